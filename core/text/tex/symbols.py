"""What TeX's commands mean in Unicode.

The symbols are those of unicode-math (https://ctan.org/pkg/unicode-math) that occur in abstracts; MathJax, which shows
them on arXiv's pages, has the same names for them (https://docs.mathjax.org/en/latest/input/tex/macros/).
"""

import unicodedata


def _table(words: str) -> dict[str, str]:
    """`alpha α beta β` as a table."""
    parts = words.split()
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Letters and signs. Variants that differ in shape only become the usual letter, so that they are found
LETTERS = _table("""
    alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta θ iota ι kappa κ varkappa κ
    lambda λ mu μ nu ν xi ξ omicron ο pi π varpi π rho ρ varrho ρ sigma σ varsigma ς tau τ upsilon υ phi φ varphi φ
    chi χ psi ψ omega ω digamma ϝ Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω
    varGamma Γ varDelta Δ varTheta Θ varLambda Λ varXi Ξ varPi Π varSigma Σ varPhi Φ varPsi Ψ varOmega Ω AA Å
    ell ℓ hbar ℏ hslash ℏ imath ı jmath ȷ wp ℘ Re ℜ Im ℑ aleph ℵ beth ℶ complement ∁ partial ∂ nabla ∇ infty ∞
    emptyset ∅ varnothing ∅ forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ top ⊤ bot ⊥ angle ∠ measuredangle ∡ triangle △
    square □ Box □ blacksquare ■ Diamond ◇ diamond ⋄ lozenge ◊ bigstar ★ clubsuit ♣ diamondsuit ♢ heartsuit ♡
    spadesuit ♠ sharp ♯ flat ♭ natural ♮ checkmark ✓ surd √ prime ′ backprime ‵ degree ° mho ℧ eth ð
    sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ bigcup ⋃ bigcap ⋂ bigsqcup ⨆ bigvee ⋁ bigwedge ⋀
    bigoplus ⨁ bigotimes ⨂ bigodot ⨀ biguplus ⨄ langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lbrace { rbrace }
    lbrack [ rbrack ] vert | lvert | Vert ‖ lVert ‖ backslash \\ ldots … dots … dotsc … dotsb ⋯
    cdots ⋯ vdots ⋮ ddots ⋱ textellipsis … textbackslash \\ textgreater > textless < textbar | textasciitilde ~
    textasciicircum ^ textunderscore _ textdollar $ textendash – textemdash — textquoteleft ‘ textquoteright ’
    textquotedblleft “ textquotedblright ” textquotesingle ' textdegree ° textmu μ texttimes × textpm ± textbullet •
    textregistered ® texttrademark ™ textcopyright © copyright © pounds £ textsterling £ euro € texteuro €
    S § P ¶ dag † ddag ‡ slash / LaTeX LaTeX TeX TeX LaTeXe LaTeX2e BibTeX BibTeX
""")
OPERATORS = _table("""
    times × div ÷ cdot · pm ± mp ∓ ast ∗ star ⋆ circ ∘ bullet • oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ boxplus ⊞
    boxminus ⊟ boxtimes ⊠ boxdot ⊡ cup ∪ cap ∩ uplus ⊎ sqcup ⊔ sqcap ⊓ vee ∨ lor ∨ wedge ∧ land ∧ setminus ∖
    smallsetminus ∖ wr ≀ amalg ⨿ dagger † ddagger ‡ ltimes ⋉ rtimes ⋊ bowtie ⋈ triangleleft ◁ triangleright ▷
    le ≤ leq ≤ leqslant ⩽ leqq ≦ ge ≥ geq ≥ geqslant ⩾ geqq ≧ ne ≠ neq ≠ ll ≪ gg ≫ lll ⋘ ggg ⋙ lt < gt >
    lesssim ≲ gtrsim ≳ lessapprox ⪅ gtrapprox ⪆ lessgtr ≶ gtrless ≷ equiv ≡ sim ∼ nsim ≁ simeq ≃ approx ≈ approxeq ≊
    cong ≅ ncong ≇ asymp ≍ doteq ≐ propto ∝ varpropto ∝ triangleq ≜ coloneqq ≔ prec ≺ succ ≻ preceq ⪯ succeq ⪰
    preccurlyeq ≼ succcurlyeq ≽ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ subsetneq ⊊ supset ⊃ supseteq ⊇ supsetneq ⊋
    nsubseteq ⊈ sqsubset ⊏ sqsubseteq ⊑ sqsupset ⊐ sqsupseteq ⊒ mid | nmid ∤ parallel ∥ nparallel ∦ perp ⊥ models ⊨
    vdash ⊢ dashv ⊣ vDash ⊨ Vdash ⊩ nvdash ⊬ nvDash ⊭ trianglelefteq ⊴ trianglerighteq ⊵ therefore ∴ because ∵
    to → rightarrow → longrightarrow → leftarrow ← gets ← longleftarrow ← leftrightarrow ↔ longleftrightarrow ↔
    Rightarrow ⇒ Longrightarrow ⇒ implies ⇒ Leftarrow ⇐ Longleftarrow ⇐ impliedby ⇐ Leftrightarrow ⇔ iff ⇔
    Longleftrightarrow ⇔ mapsto ↦ longmapsto ↦ hookrightarrow ↪ hookleftarrow ↩ uparrow ↑ downarrow ↓ updownarrow ↕
    Uparrow ⇑ Downarrow ⇓ nearrow ↗ searrow ↘ swarrow ↙ nwarrow ↖ rightharpoonup ⇀ rightleftharpoons ⇌
    rightrightarrows ⇉ leadsto ⇝ rightsquigarrow ⇝ twoheadrightarrow ↠ nrightarrow ↛
""")
PUNCTUATION = {"colon": ":"}
CLOSING = {"rvert": "|", "rVert": "‖"}
# Signs that stand before something, also in prose: the space after the command only ends its name
LEADING = _names("""
    textquotedblleft textquoteleft textdegree textmu texteuro textsterling textdollar textless textgreater textpm
    texttimes textasciitilde textbackslash euro pounds S P
""")
# What \not crosses out
NEGATED = _table("= ≠ < ≮ > ≯ ∈ ∉ ∋ ∌ ⊂ ⊄ ⊆ ⊈ ≤ ≰ ≥ ≱ ≡ ≢ ∼ ≁ ≃ ≄ ≈ ≉ ∣ ∤ ∥ ∦ ⊢ ⊬ ⊨ ⊭ ∃ ∄ → ↛")
_FUNCTIONS = _names("""
    arccos arcsin arctan arg argmax argmin cos cosh cot coth csc deg det diag dim exp gcd hom inf ker lg lim liminf
    limsup ln log max min mod poly polylog Pr rank sec sgn sign sin sinh sup tan tanh Tr tr
""")
FUNCTIONS = {name: name for name in _FUNCTIONS} | {"bmod": "mod"}
# Those that mean something by themselves: sets of numbers, fields, groups, spaces, probability
DOUBLE_STRUCK = _table("A 𝔸 C ℂ D 𝔻 E 𝔼 F 𝔽 G 𝔾 H ℍ K 𝕂 N ℕ P ℙ Q ℚ R ℝ S 𝕊 T 𝕋 V 𝕍 Z ℤ 1 𝟙")
# Combining characters over a letter
ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "Hat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "Tilde": "\u0303", "bar": "\u0304", "overline": "\u0304", "Bar": "\u0304", "vec": "\u20d7", "Vec": "\u20d7",
    "dot": "\u0307", "ddot": "\u0308", "check": "\u030c", "breve": "\u0306", "acute": "\u0301", "grave": "\u0300",
    "mathring": "\u030a",
}  # fmt: skip

# Commands of which only the argument is seen: text in it, or mathematics
TEXT_SYMBOLS = _names("""
    text textit textbf texttt textsc textsf textrm textsl textup textmd textnormal emph underline uline mbox hbox fbox
""")
BLACKBOARD = _names("Bbb mathbb mathds mathbbm")
MATHS = BLACKBOARD | _names("""
    mathrm mathbf mathit mathsf mathtt mathcal mathscr mathfrak mathnormal boldsymbol bm pmb operatorname mathop mathbin
    mathrel mathord underbrace overbrace boxed ensuremath
""")
UPRIGHT = _names("text textrm textnormal mbox mathrm operatorname mathop")
# Commands of which nothing is seen
IGNORED = _names("""
    it bf em tt sc sl sf rm cal frak itshape bfseries ttfamily scshape slshape sffamily rmfamily upshape normalfont tiny
    scriptsize footnotesize small normalsize large Large LARGE huge Huge boldmath unboldmath displaystyle textstyle
    scriptstyle scriptscriptstyle limits nolimits left right middle big Big bigg Bigg bigl bigr bigm Bigl Bigr Bigm
    biggl biggr Biggl Biggr noindent nonumber notag centering nobreakdash protect xspace relax
""")
IGNORED_WITH_ARGUMENT = _names("vspace hspace label phantom hphantom vphantom")
KERNS = _names("kern mkern mskip hskip")  # with a length
SPACES = _names("quad qquad enspace thinspace medspace thickspace space newline linebreak par")
# Control symbols: a backslash and one character that is no letter
ESCAPES = (
    {char: char for char in "%&#$_{}"}
    | dict.fromkeys([" ", "\n", "\t", ",", ";", ":", ">", "\\"], " ")
    | {"!": "", "/": "", "-": "", "@": "", "|": "‖"}
)

# Letters without a counterpart are missing. Greek ones have some, but few and ugly
SUPERSCRIPTS = str.maketrans(
    "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
)
SUBSCRIPTS = str.maketrans("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ")
# Superscripts that are marks rather than exponents: degrees, stars, a transpose, and ordinals (3^{rd})
MARKS = _table("† † ‡ ‡ ° ° ∘ ° * * ∗ * ⋆ * ′ ′ ′′ ″ ″ ″ ⊤ ᵀ st st nd nd rd rd th th")
PRIMES = ("", "′", "″", "‴")  # by their number

_SCRIPTS = {chr(code) for table in (SUPERSCRIPTS, SUBSCRIPTS) for code in table.values()} | set("ᵀ°′″‴*†‡'")


def is_script(char: str) -> bool:
    """Whether `char` is raised or lowered, or a mark on the letter before it."""
    return char in _SCRIPTS or unicodedata.combining(char) > 0
