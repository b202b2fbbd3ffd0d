"""arXiv's archives and categories with their names, as of https://arxiv.org/category_taxonomy, and its aliases.

Six categories have two names, which are equivalent in papers, feeds and requests.
"""

from collections.abc import Iterable
from functools import lru_cache

_TABLE = """
cs Computer Science
cs.AI Artificial Intelligence
cs.AR Hardware Architecture
cs.CC Computational Complexity
cs.CE Computational Engineering, Finance, and Science
cs.CG Computational Geometry
cs.CL Computation and Language
cs.CR Cryptography and Security
cs.CV Computer Vision and Pattern Recognition
cs.CY Computers and Society
cs.DB Databases
cs.DC Distributed, Parallel, and Cluster Computing
cs.DL Digital Libraries
cs.DM Discrete Mathematics
cs.DS Data Structures and Algorithms
cs.ET Emerging Technologies
cs.FL Formal Languages and Automata Theory
cs.GL General Literature
cs.GR Graphics
cs.GT Computer Science and Game Theory
cs.HC Human-Computer Interaction
cs.IR Information Retrieval
cs.IT Information Theory
cs.LG Machine Learning
cs.LO Logic in Computer Science
cs.MA Multiagent Systems
cs.MM Multimedia
cs.MS Mathematical Software
cs.NA Numerical Analysis
cs.NE Neural and Evolutionary Computing
cs.NI Networking and Internet Architecture
cs.OH Other Computer Science
cs.OS Operating Systems
cs.PF Performance
cs.PL Programming Languages
cs.RO Robotics
cs.SC Symbolic Computation
cs.SD Sound
cs.SE Software Engineering
cs.SI Social and Information Networks
cs.SY Systems and Control
econ Economics
econ.EM Econometrics
econ.GN General Economics
econ.TH Theoretical Economics
eess Electrical Engineering and Systems Science
eess.AS Audio and Speech Processing
eess.IV Image and Video Processing
eess.SP Signal Processing
eess.SY Systems and Control
math Mathematics
math.AC Commutative Algebra
math.AG Algebraic Geometry
math.AP Analysis of PDEs
math.AT Algebraic Topology
math.CA Classical Analysis and ODEs
math.CO Combinatorics
math.CT Category Theory
math.CV Complex Variables
math.DG Differential Geometry
math.DS Dynamical Systems
math.FA Functional Analysis
math.GM General Mathematics
math.GN General Topology
math.GR Group Theory
math.GT Geometric Topology
math.HO History and Overview
math.IT Information Theory
math.KT K-Theory and Homology
math.LO Logic
math.MG Metric Geometry
math.MP Mathematical Physics
math.NA Numerical Analysis
math.NT Number Theory
math.OA Operator Algebras
math.OC Optimization and Control
math.PR Probability
math.QA Quantum Algebra
math.RA Rings and Algebras
math.RT Representation Theory
math.SG Symplectic Geometry
math.SP Spectral Theory
math.ST Statistics Theory
astro-ph Astrophysics
astro-ph.CO Cosmology and Nongalactic Astrophysics
astro-ph.EP Earth and Planetary Astrophysics
astro-ph.GA Astrophysics of Galaxies
astro-ph.HE High Energy Astrophysical Phenomena
astro-ph.IM Instrumentation and Methods for Astrophysics
astro-ph.SR Solar and Stellar Astrophysics
cond-mat Condensed Matter
cond-mat.dis-nn Disordered Systems and Neural Networks
cond-mat.mes-hall Mesoscale and Nanoscale Physics
cond-mat.mtrl-sci Materials Science
cond-mat.other Other Condensed Matter
cond-mat.quant-gas Quantum Gases
cond-mat.soft Soft Condensed Matter
cond-mat.stat-mech Statistical Mechanics
cond-mat.str-el Strongly Correlated Electrons
cond-mat.supr-con Superconductivity
gr-qc General Relativity and Quantum Cosmology
hep-ex High Energy Physics - Experiment
hep-lat High Energy Physics - Lattice
hep-ph High Energy Physics - Phenomenology
hep-th High Energy Physics - Theory
math-ph Mathematical Physics
nlin Nonlinear Sciences
nlin.AO Adaptation and Self-Organizing Systems
nlin.CD Chaotic Dynamics
nlin.CG Cellular Automata and Lattice Gases
nlin.PS Pattern Formation and Solitons
nlin.SI Exactly Solvable and Integrable Systems
nucl-ex Nuclear Experiment
nucl-th Nuclear Theory
physics Physics
physics.acc-ph Accelerator Physics
physics.ao-ph Atmospheric and Oceanic Physics
physics.app-ph Applied Physics
physics.atm-clus Atomic and Molecular Clusters
physics.atom-ph Atomic Physics
physics.bio-ph Biological Physics
physics.chem-ph Chemical Physics
physics.class-ph Classical Physics
physics.comp-ph Computational Physics
physics.data-an Data Analysis, Statistics and Probability
physics.ed-ph Physics Education
physics.flu-dyn Fluid Dynamics
physics.gen-ph General Physics
physics.geo-ph Geophysics
physics.hist-ph History and Philosophy of Physics
physics.ins-det Instrumentation and Detectors
physics.med-ph Medical Physics
physics.optics Optics
physics.plasm-ph Plasma Physics
physics.pop-ph Popular Physics
physics.soc-ph Physics and Society
physics.space-ph Space Physics
q-bio Quantitative Biology
q-bio.BM Biomolecules
q-bio.CB Cell Behavior
q-bio.GN Genomics
q-bio.MN Molecular Networks
q-bio.NC Neurons and Cognition
q-bio.OT Other Quantitative Biology
q-bio.PE Populations and Evolution
q-bio.QM Quantitative Methods
q-bio.SC Subcellular Processes
q-bio.TO Tissues and Organs
q-fin Quantitative Finance
q-fin.CP Computational Finance
q-fin.EC Economics
q-fin.GN General Finance
q-fin.MF Mathematical Finance
q-fin.PM Portfolio Management
q-fin.PR Pricing of Securities
q-fin.RM Risk Management
q-fin.ST Statistical Finance
q-fin.TR Trading and Market Microstructure
quant-ph Quantum Physics
stat Statistics
stat.AP Applications
stat.CO Computation
stat.ME Methodology
stat.ML Machine Learning
stat.OT Other Statistics
stat.TH Statistics Theory
"""

CATEGORIES: dict[str, str] = dict(line.split(" ", 1) for line in _TABLE.strip().splitlines())

# the other name of a category → the name that arXiv itself prints
ALIASES = {
    "cs.NA": "math.NA",
    "cs.SY": "eess.SY",
    "math.IT": "cs.IT",
    "math.MP": "math-ph",
    "q-fin.EC": "econ.GN",
    "stat.TH": "math.ST",
}
_TWINS = ALIASES | {name: alias for alias, name in ALIASES.items()}
_BY_LOWER = {name.lower(): name for name in CATEGORIES}


def category_name(category: str) -> str:
    """Returns arXiv's name of a category or archive, "" for an unknown one."""
    return CATEGORIES.get(category, "")


def find_category(text: str) -> str:
    """Returns the category or archive `text` in arXiv's letter case: "cs.ai" is cs.AI; "" for an unknown one."""
    return _BY_LOWER.get(text.strip().lower(), "")


def canonical(category: str) -> str:
    """Returns the name that arXiv prints for a category: eess.SY for cs.SY."""
    return ALIASES.get(category, category)


def parts(archive: str) -> tuple[str, ...]:
    """Returns the categories of an archive; empty for a category, or for an archive without categories."""
    names = (name for name in CATEGORIES if name.startswith(f"{archive}."))
    return tuple(dict.fromkeys(map(canonical, names)))


@lru_cache(maxsize=1024)
def closure(names: tuple[str, ...] | frozenset[str]) -> frozenset[str]:
    """Returns `names` with the aliases of all categories among them, also of an archive's categories: "math" contains
    math.MP, and so math-ph. Letter case is ignored.
    """
    wanted = frozenset(find_category(name) or name for name in names)
    return wanted | {twin for name, twin in _TWINS.items() if _within(name, wanted)}


def listed(category: str, wanted: tuple[str, ...] | frozenset[str]) -> bool:
    """Returns whether `category` is among `wanted`, by either name; "cs" stands for every "cs.*"."""
    return _within(category, closure(wanted))


def asked_for(category: str, asked: tuple[str, ...]) -> bool:
    """Returns whether a request for `asked` names the category or its own archive, not only its alias's archive."""
    return _within(canonical(category), frozenset(map(canonical, asked)))


def _within(category: str, names: frozenset[str]) -> bool:
    return category in names or category.partition(".")[0] in names


def merged(categories: Iterable[str]) -> tuple[str, ...]:
    """Returns the categories to fetch: each once, in order, by its own name, without those of a listed archive."""
    names = tuple(dict.fromkeys(map(canonical, categories)))
    archives = frozenset(name for name in names if "." not in name)
    return tuple(name for name in names if name in archives or not _within(name, archives))
