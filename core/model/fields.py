"""What arXiv's categories are about, in words of their fields: to propose categories for a sentence.

The words are as `core.text.terms` makes them of texts: without plurals, pairs for what two words say.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache

from core.model.categories import CATEGORIES
from core.text.terms import terms_of

_TABLE = """
cs.AI: artificial intelligence, planning, reasoning, knowledge graph, agent, expert system, llm agent, heuristic
  search, commonsense
cs.AR: hardware, accelerator, processor, FPGA, chip, memory hierarchy, microarchitecture, ASIC, RISC-V, systolic
  array, hardware design
cs.CC: computational complexity, NP-hard, complexity class, circuit lower bound, hardness
cs.CE: computational engineering, finite element, engineering simulation, digital twin
cs.CG: computational geometry, polygon, Voronoi, triangulation, convex hull
cs.CL: natural language, language model, translation, text, dialogue, summarization, question answering, parsing,
  sentiment, linguistics, tokenizer, prompt, LLM, machine translation, corpus, speech recognition, retrieval-augmented
  generation, hallucination
cs.CR: security, privacy, cryptography, attack, malware, encryption, blockchain, vulnerability, authentication,
  jailbreak, intrusion, adversarial, post-quantum cryptography, zero-knowledge, differential privacy, phishing
cs.CV: image, video, vision, object detection, segmentation, face, camera, 3D reconstruction, tracking, visual, point
  cloud, depth estimation, image generation, gaussian splatting, pose estimation, medical image segmentation
cs.CY: society, ethics, education, policy, fairness, regulation, governance, student
cs.DB: database, query, SQL, transaction, index, data management, join, data lake, query optimization
cs.DC: distributed, parallel, cluster, cloud, GPU cluster, consensus, serverless, HPC, supercomputer, MPI, fault
  tolerance, distributed training, serving
cs.DL: digital library, bibliometrics, citation, scholarly, peer review, preprint
cs.DM: discrete mathematics, graph coloring, combinatorial structure
cs.DS: algorithm, data structure, approximation algorithm, sketching, streaming algorithm, sorting, online algorithm,
  graph algorithm
cs.ET: emerging technology, neuromorphic, memristor, DNA computing, quantum computing hardware
cs.FL: automata, formal language, regular expression, grammar
cs.GR: computer graphics, rendering, animation, ray tracing, mesh, shader
cs.GT: game theory, auction, mechanism design, Nash equilibrium, bidding, market design, matching market, voting, fair
  division, auction theory, advertising auction
cs.HC: human-computer interaction, user study, user interface, virtual reality, accessibility, visualization,
  usability
cs.IR: information retrieval, recommendation, recommender, search engine, ranking, ad retrieval, dense retrieval,
  click-through
cs.IT: information theory, channel capacity, coding theory, entropy, error-correcting code, polar code, MIMO, wireless
  communication, LDPC
cs.LG: machine learning, deep learning, neural network, reinforcement learning, diffusion model, generative model,
  representation learning, federated learning, transformer, gradient descent, classification, training, graph neural
  network, time series, continual learning, world model, foundation model
cs.LO: logic, theorem proving, proof assistant, SAT, model checking, formal verification, type theory, SMT, Lean
cs.MA: multi-agent, swarm, agent cooperation, multiagent
cs.MM: multimedia, video streaming, video quality
cs.MS: mathematical software, numerical library, linear algebra library
cs.NE: evolutionary algorithm, genetic algorithm, spiking neural network, neuroevolution, swarm optimization, neural
  architecture
cs.NI: network, internet, routing, 5G, 6G, protocol, congestion control, wireless network, IoT, SDN, satellite network
cs.OS: operating system, kernel, file system, scheduling, storage, virtualization
cs.PF: performance analysis, benchmark, queueing, profiling
cs.PL: programming language, compiler, type system, program analysis, program synthesis, Rust, semantics
cs.RO: robot, robotics, manipulation, autonomous driving, drone, SLAM, locomotion, grasping, motion planning,
  humanoid, UAV, navigation
cs.SC: symbolic computation, computer algebra, Groebner basis
cs.SD: sound, music, audio, speech synthesis, audio generation, music generation
cs.SE: software engineering, code generation, bug, testing, program repair, refactoring, code review, GitHub, software
cs.SI: social network, social media, misinformation, community detection, influence, polarization
econ.EM: econometrics, causal inference, instrumental variable, panel data, treatment effect
econ.GN: economics, labor market, inflation, trade, economic growth, inequality, monetary policy, wage, firm, taxation
econ.TH: economic theory, auction, auction theory, mechanism design, contract theory, market design, information
  design, bidder, equilibrium, matching market, signaling, revenue
eess.AS: speech, speech recognition, speaker, audio, voice, text-to-speech, speech enhancement
eess.IV: medical image, MRI, CT, image reconstruction, denoising, compression, super-resolution, ultrasound,
  microscopy, medical image segmentation
eess.SP: signal processing, radar, beamforming, channel estimation, EEG, sensing, antenna, sparse recovery
eess.SY: control, power grid, control system, stability, model predictive control, microgrid, energy system, smart
  grid, controller
math.AC: commutative algebra, ring, ideal, module
math.AG: algebraic geometry, scheme, variety, moduli space, sheaf, birational
math.AP: partial differential equation, PDE, elliptic, Navier-Stokes, wave equation, Schrodinger equation, regularity,
  parabolic
math.AT: algebraic topology, homotopy, homology, cohomology, spectra, persistent homology
math.CA: classical analysis, harmonic analysis, special function, orthogonal polynomial, Fourier
math.CO: combinatorics, graph theory, extremal graph, Ramsey, matroid, chromatic, hypergraph
math.CT: category theory, functor, topos, infinity-category
math.CV: complex analysis, holomorphic, Riemann surface
math.DG: differential geometry, Riemannian, curvature, Ricci flow, minimal surface, manifold
math.DS: dynamical system, ergodic, chaos, bifurcation, entropy of maps
math.FA: functional analysis, Banach space, operator theory, Hilbert space
math.GN: general topology, topological space
math.GR: group theory, finite group, hyperbolic group, Cayley graph
math.GT: geometric topology, knot, 3-manifold, mapping class group, knot theory
math.KT: K-theory
math.LO: set theory, model theory, computability, large cardinal, forcing
math.MG: metric geometry, convex body, packing
math.NA: numerical analysis, finite element, discretization, preconditioner, numerical method, iterative solver, error
  estimate
math.NT: number theory, prime, L-function, modular form, elliptic curve, Diophantine, Galois, zeta function
math.OA: operator algebra, C*-algebra, von Neumann algebra
math.OC: optimization, convex optimization, optimal control, stochastic gradient, optimal transport, linear
  programming, first-order method, bilevel
math.PR: probability, Markov chain, random walk, stochastic process, Brownian motion, percolation, large deviation,
  random matrix
math.QA: quantum algebra, quantum group, Hopf algebra, vertex algebra
math.RA: rings and algebras, Lie algebra, associative algebra
math.RT: representation theory, Lie group, quiver, Hecke algebra
math.SG: symplectic geometry, Floer homology, Lagrangian
math.SP: spectral theory, eigenvalue, Laplacian spectrum
math.ST: statistics theory, estimator, minimax, asymptotic, hypothesis testing, nonparametric
math-ph: mathematical physics, integrable model, random matrix, quantum field rigorous
astro-ph.CO: cosmology, dark energy, dark matter, cosmic microwave background, CMB, inflation, large-scale structure,
  Hubble tension, redshift survey, weak lensing, baryon acoustic
astro-ph.EP: exoplanet, planet, planetary, exoplanet atmosphere, atmosphere, hot Jupiter, transit, protoplanetary
  disk, asteroid, comet, moon, JWST, transmission spectroscopy, super-Earth, habitable
astro-ph.GA: galaxy, Milky Way, star formation, interstellar medium, galactic, quasar, AGN, molecular cloud, galaxy
  evolution, supermassive black hole
astro-ph.HE: gamma-ray burst, neutron star, black hole, pulsar, supernova, cosmic ray, X-ray binary, fast radio burst,
  accretion, magnetar, neutrino astronomy
astro-ph.IM: telescope, instrument, spectrograph, adaptive optics, survey pipeline, interferometer, astronomical data
astro-ph.SR: star, stellar, sun, solar flare, asteroseismology, white dwarf, binary star, stellar evolution, sunspot,
  corona
cond-mat.dis-nn: disordered system, spin glass, localization, neural network physics
cond-mat.mes-hall: quantum dot, graphene, nanowire, mesoscopic, quantum Hall, topological insulator, spintronics,
  Majorana, 2D material, twisted bilayer, nanostructure
cond-mat.mtrl-sci: material, crystal, perovskite, perovskite solar cell, battery material, density functional theory,
  thin film, alloy, semiconductor, phonon, defect, materials discovery, ferroelectric, solid electrolyte, solar cell
cond-mat.quant-gas: cold atom, Bose-Einstein condensate, optical lattice, ultracold
cond-mat.soft: polymer, colloid, soft matter, active matter, liquid crystal, gel, glass transition, granular
cond-mat.stat-mech: statistical mechanics, phase transition, Ising model, thermodynamics, nonequilibrium, critical
  phenomenon, entropy production
cond-mat.str-el: strongly correlated, Hubbard model, quantum spin liquid, Mott insulator, magnetism, kagome, heavy
  fermion, frustrated magnet, antiferromagnet
cond-mat.supr-con: superconductor, superconductivity, Josephson junction, cuprate, nickelate, vortex, pairing
gr-qc: general relativity, gravitational wave, black hole, gravity, spacetime, quantum gravity, LIGO, binary merger,
  modified gravity, wormhole
hep-ex: collider experiment, LHC, ATLAS, CMS, Higgs measurement, particle detector, neutrino experiment
hep-lat: lattice QCD, lattice gauge theory
hep-ph: standard model, dark matter candidate, neutrino, Higgs, axion, QCD, collider phenomenology, flavor physics,
  beyond the standard model
hep-th: string theory, holography, AdS/CFT, conformal field theory, supersymmetry, quantum field theory, swampland,
  scattering amplitude
nlin.AO: self-organization, adaptive system, synchronization
nlin.CD: chaos, turbulence, chaotic dynamics
nlin.PS: soliton, pattern formation
nlin.SI: integrable system, soliton equation
nucl-ex: heavy-ion collision, nuclear reaction, nuclear experiment
nucl-th: nuclear structure, nuclear matter, shell model, equation of state
physics.acc-ph: particle accelerator, beam dynamics, synchrotron, free-electron laser
physics.ao-ph: climate, weather, ocean, atmosphere, climate model, precipitation, weather forecasting, hurricane,
  downscaling, aerosol, climate change, sea ice
physics.app-ph: applied physics, device, sensor, photodetector, transistor
physics.atom-ph: atom, atomic clock, laser cooling, Rydberg atom, ion trap, spectroscopy
physics.bio-ph: biophysics, cell mechanics, molecular motor, membrane, protein folding, biomolecular
physics.chem-ph: quantum chemistry, molecular dynamics, chemical reaction, force field, molecule, catalysis,
  interatomic potential, electronic structure, spectroscopy
physics.class-ph: classical mechanics, acoustics, electromagnetism, metamaterial
physics.comp-ph: computational physics, Monte Carlo simulation, molecular simulation, physics-informed
physics.data-an: data analysis, unfolding
physics.ed-ph: physics education
physics.flu-dyn: fluid dynamics, turbulence, flow, aerodynamics, vortex, Navier-Stokes, drag, bubble, droplet,
  convection
physics.geo-ph: earthquake, seismic, geophysics, seismology, inversion, subsurface, volcano
physics.hist-ph: history of physics, philosophy of physics
physics.ins-det: detector, calorimeter, scintillator, readout
physics.med-ph: radiotherapy, dosimetry, medical physics, MRI, CT, proton therapy, PET imaging
physics.optics: laser, photonics, optics, waveguide, nonlinear optics, metasurface, frequency comb, fiber, imaging,
  holography, silicon photonics, optical
physics.plasm-ph: plasma, fusion, tokamak, stellarator, laser-plasma, magnetic confinement
physics.soc-ph: epidemic, social physics, complex network, human mobility, opinion dynamics, urban, network science
physics.space-ph: solar wind, magnetosphere, space weather, ionosphere
q-bio.BM: protein, protein design, protein structure, RNA, DNA, drug discovery, molecule, binding, antibody, enzyme,
  peptide, docking, biomolecule, ligand
q-bio.CB: cell, cell migration, tumor, immune cell
q-bio.GN: genome, gene, genomics, single-cell, sequencing, DNA sequence, variant, gene expression, transcriptomics
q-bio.MN: gene regulatory network, signaling pathway, metabolic network, biochemical network
q-bio.NC: brain, neuron, neuroscience, cortex, fMRI, neural coding, memory, cognition, spiking, perception,
  connectome, hippocampus
q-bio.PE: evolution, ecology, population dynamics, epidemic, epidemiology, phylogenetics, species, infectious disease,
  biodiversity, pandemic, vaccination
q-bio.QM: quantitative biology, bioinformatics, biomedical data, biological image, protein, drug discovery, clinical
q-bio.TO: tissue, organ, tumor growth, cardiac
q-fin.CP: computational finance, option pricing, numerical finance
q-fin.MF: mathematical finance, stochastic volatility, hedging
q-fin.PM: portfolio, portfolio optimization, asset allocation
q-fin.PR: pricing, derivative pricing, option, volatility
q-fin.RM: risk management, credit risk, value at risk, insurance, systemic risk
q-fin.ST: stock, financial time series, market data, stock prediction, stock market
q-fin.TR: trading, market microstructure, limit order book, high-frequency trading, market making
quant-ph: quantum, qubit, quantum error correction, quantum computing, entanglement, quantum circuit, surface code,
  quantum key distribution, quantum algorithm, error mitigation, quantum information, quantum machine learning,
  fault-tolerant quantum, quantum error, variational quantum
stat.AP: applied statistics, spatial statistics, survey data, public health data, sports
stat.CO: MCMC, Bayesian computation, sampling, Monte Carlo
stat.ME: statistical methodology, causal inference, clinical trial, Bayesian, regression, missing data, survival
  analysis, experimental design
stat.ML: statistical learning, Gaussian process, kernel method, uncertainty quantification, conformal prediction,
  bandit, generalization, Bayesian, optimal transport, variational inference
"""


@cache
def _fields() -> dict[str, dict[str, float]]:
    """Returns the weight of each term for the categories that it stands for: less where it stands for many of them."""
    found: dict[str, set[str]] = {}
    for line in _TABLE.replace("\n  ", " ").strip().splitlines():
        category, _, words = line.partition(": ")
        for phrase in [*words.split(", "), CATEGORIES[category]]:
            for term in _terms(phrase):
                found.setdefault(term, set()).add(category)
    return {term: dict.fromkeys(names, (1 + term.count(" ")) ** 2 / len(names)) for term, names in found.items()}


def _terms(phrase: str) -> list[str]:
    """Returns the words of one that has one, the pairs of another."""
    terms = dict.fromkeys(terms_of(phrase))
    return [term for term in terms if " " in term] or list(terms)


def categories_of(terms: Iterable[str]) -> list[tuple[str, float]]:
    """Returns the categories whose fields the terms of a text are words of, the most likely first, with weights."""
    points: Counter[str] = Counter()
    for term in dict.fromkeys(terms):
        for category, weight in _fields().get(term, {}).items():
            points[category] += weight  # type: ignore[assignment]
    return sorted(points.items(), key=lambda pair: (-pair[1], pair[0]))
