"""Words for invented papers. None of them is a keyword of `feeds.toml` beside this file; those come in as often as on a
real day.
"""

# Keyword of the main feed → share of papers that have it (counted over the 465 records of 2025-12-30), and
# noun phrases that hold it
KEYWORDS: dict[str, tuple[float, tuple[str, ...]]] = {
    "framework": (0.499, ("the proposed framework", "a unified framework", "existing frameworks")),
    "training": (0.290, ("the training objective", "training data", "two-stage training")),
    "system": (0.262, ("deployed systems", "the complete system", "multi-agent systems")),
    "LLM": (0.237, ("large language models (LLMs)", "LLM agents", "a frozen LLM")),
    "network": (0.224, ("graph neural networks", "the network", "a residual network")),
    "efficient": (0.194, ("efficient adaptation", "sample-efficient exploration", "efficient algorithms")),
    "optimization": (0.170, ("preference optimization", "the optimization landscape", "convex optimization")),
    "inference": (0.161, ("inference cost", "variational inference", "inference-time search")),
    "generation": (0.151, ("retrieval-augmented generation", "code generation", "controllable generation")),
    "efficiency": (0.123, ("computational efficiency", "the efficiency of search", "token efficiency")),
    "attention": (0.105, ("cross-attention layers", "attention maps", "the attention mechanism")),
    "pipeline": (0.088, ("an automated pipeline", "annotation pipelines", "the pipeline")),
    "linear": (0.073, ("linear probes", "a linear predictor", "linear time")),
    "communication": (0.058, ("communication rounds", "agent communication", "communication overhead")),
    "sparse": (0.058, ("sparse autoencoders", "sparse rewards", "sparse activations")),
    "hardware": (0.056, ("commodity hardware", "hardware accelerators", "the target hardware")),
    "distributed": (0.054, ("distributed workers", "a distributed setting", "distributed sensors")),
    "scalable": (0.054, ("scalable oversight", "a scalable solution", "scalable simulation")),
    "RL": (0.049, ("RL agents", "offline RL", "an RL policy")),
    "parallel": (0.039, ("parallel rollouts", "parallel corpora", "tensor-parallel execution")),
    "kernel": (0.039, ("kernel methods", "a fused kernel", "GPU kernels")),
    "decoding": (0.034, ("constrained decoding", "greedy decoding", "the decoding stage")),
    "throughput": (0.032, ("serving throughput", "higher throughput", "throughput targets")),
    "video": (0.032, ("long videos", "video diffusion", "egocentric video")),
    "fast": (0.028, ("fast adaptation", "fast retrieval", "a fast solver")),
    "cluster": (0.019, ("GPU clusters", "cluster schedules", "a shared cluster")),
    "MoE": (0.015, ("MoE layers", "an MoE backbone")),
    "quantization": (0.011, ("post-training quantization", "weight quantization")),
    "decode": (0.009, ("the decode phase", "decode latency")),
    "prefill": (0.009, ("the prefill phase", "chunked prefill")),
    "state space": (0.009, ("state space models", "selective state-space layers")),
    "speculative": (0.006, ("speculative drafts", "speculative execution")),
    "RLHF": (0.006, ("RLHF data", "standard RLHF")),
    "FP8": (0.002, ("FP8 arithmetic",)),
    "FP4": (0.001, ("FP4 weights",)),
    "SSM": (0.002, ("SSM blocks",)),
}
EXCLUDED = (0.024, ("a systematic review", "this survey", "a short tutorial"))

MODIFIERS = (
    "adaptive", "adversarial", "autoregressive", "Bayesian", "causal", "clinical", "compositional", "contrastive",
    "counterfactual", "cross-domain", "differentiable", "episodic", "embodied", "federated", "fine-grained",
    "geometric", "heterogeneous", "hierarchical", "high-dimensional", "human-centered", "implicit", "interpretable",
    "large-scale", "latent", "long-context", "low-rank", "multilingual", "multimodal", "out-of-distribution",
    "personalized", "physics-informed", "privacy-preserving", "probabilistic", "programmatic", "robust",
    "self-supervised", "semantic", "sequential", "spectral", "stochastic", "structured", "symbolic", "synthetic",
    "temporal", "tool-augmented", "transferable", "uncertainty-aware", "zero-shot",
)  # fmt: skip
HEADS = (
    "alignment", "anomaly detection", "auctions", "benchmarks", "calibration", "classifiers", "clustering",
    "concept bottlenecks", "continual learning", "controllers", "dialogue agents", "diffusion models", "distillation",
    "document understanding", "embeddings", "encoders", "evaluation protocols", "feature attribution", "forecasting",
    "gradient estimators", "graph matching", "guardrails", "human feedback", "image segmentation", "instruction tuning",
    "knowledge graphs", "language modeling", "memory modules", "molecular design", "motion planning",
    "ontology matching", "operator learning", "parameter sharing", "policy gradients", "prompting strategies",
    "question answering", "ranking models", "recommender models", "representation learning", "reward models",
    "scene understanding", "speech recognition", "table reasoning", "theorem proving", "time series",
    "transfer learning", "unlearning", "vision-language models", "world models",
)  # fmt: skip
ADVERBS = ("consistently", "substantially", "markedly", "notably", "efficiently", "reliably", "jointly", "broadly")
VERBS = ("improves", "reduces", "preserves", "outperforms", "stabilizes", "recovers", "exposes", "characterizes")

# {n}: a noun phrase; {v}: a verb; {d}: an adverb; {p}: a percentage; {k}: a small number
OPENINGS = (
    "Recent progress in {n} has renewed interest in {n}, yet the interplay between them is not well understood.",
    "{N} and {n} are central to many applications, where errors are costly and labels are scarce.",
    "Despite the rapid growth of {n}, practitioners still struggle to combine it with {n} under realistic constraints.",
    "A fundamental question is whether {n} can be learned from {n} without access to additional supervision.",
    "Existing approaches to {n} typically rely on {n}, which limits their use beyond narrow domains.",
)
SENTENCES = (
    "In this paper, we introduce a method that couples {n} with {n} and {v} {n} across a wide range of tasks.",
    "Our key insight is that {n} can be decomposed into {n} and {n}, which makes the problem tractable.",
    "We formalize the problem as {n} over {n}, and derive conditions under which the estimator is consistent.",
    "Specifically, the approach first aligns {n} with {n}, and then refines the result through {n}.",
    "Unlike prior work, which treats {n} as fixed, we learn it together with {n} in an end-to-end fashion.",
    "Extensive experiments on {k} datasets show that this {d} {v} {n}, with gains of up to {p} over strong baselines.",
    "Ablation studies reveal that {n} accounts for most of the improvement, while {n} matters less than expected.",
    "We further analyze failure cases and find that {n} degrades when {n} is noisy or incomplete.",
    "To support this, we curate a collection of {k},000 examples that covers {n} as well as {n}.",
    "Theoretical analysis establishes a bound that depends on {n} only through a logarithmic factor.",
    "Moreover, it {d} {v} {n} without changing the architecture or the data it was given.",
    "These findings suggest that {n} offers a promising direction for {n}, and they caution against {n}.",
    "A user study with {k} participants confirms that {n} is preferred over {n} in everyday workflows.",
    "Compared with {n}, the variant based on {n} needs {p} fewer parameters at a similar level of accuracy.",
)
CLOSINGS = (
    "Overall, our results clarify the role of {n} and open new possibilities for {n}.",
    "We discuss limitations, societal implications and avenues for future work on {n}.",
    "We hope that this work encourages the community to revisit {n}.",
)
TITLES = (
    "{N}: {M} for {n}", "Towards {M} with {n}", "{M} Meets {N}", "On the Role of {n} in {M}", "Learning {N} from {M}",
    "Rethinking {N} for {M}", "{M} via {n}: A Case for {N}", "How Does {N} Shape {M}?", "Beyond {n}: {M} through {N}",
)  # fmt: skip
MATH = (
    r"with a rate of $O(\sqrt{n \log n})$", r"for every $\epsilon > 0$", r"where $x \in \mathbb{R}^d$",
    r"under an $\ell_2$ constraint", r"with $n < m$ and $k \ge 3$",
)  # fmt: skip
FOREIGN = ("naïve baselines", "Schrödinger bridges", "Poincaré embeddings", "Itô processes", "Rényi divergences")

GIVEN = (
    "Aiko", "Ana", "Arjun", "Bo", "Carla", "Chen", "Daniel", "Elif", "Emma", "Farah", "Giulia", "Hana", "Ibrahim",
    "Ines", "Jin-Woo", "Kofi", "Lars", "Lin", "Maria", "Mei", "Nadia", "Omar", "Priya", "Qiang", "Ravi", "Sofia",
    "Tomas", "Ugo", "Vera", "Wei", "Xiao", "Yara", "Yuki", "Zoe",
)  # fmt: skip
FAMILY = (
    "Abara", "Bianchi", "Chaudhary", "Delgado", "Eriksen", "Fontaine", "Ghosh", "Haddad", "Ivanova", "Jansen", "Kaplan",
    "Li", "Marchetti", "Nakamura", "Okafor", "Park", "Qureshi", "Rossi", "Silva", "Tanaka", "Ueda", "Vargas", "Wang",
    "Xu", "Yilmaz", "Zhang", "Zhou", "van Dam", "de Souza",
)  # fmt: skip
ACCENTED = (
    r"Andr\'e Fran\c{c}ois", r"J\"org M\"uller", r"{\L}ukasz Wi\'sniewski", r"Jos\'e Mu\~noz", r"Ond\v{r}ej Nov\'ak",
    r"S{\o}ren {\O}sterg{\aa}rd", r"G\"ok\c{c}e \"Ozdemir", r"Mart\'{\i}n Pe\~na", r"Nguy\~{\^e}n V\u{a}n B\`inh",
)  # fmt: skip
INSTITUTES = ("Institute of Samples, Utopia", "University of Examples", "Example Labs, Sampletown, Nowhere")
