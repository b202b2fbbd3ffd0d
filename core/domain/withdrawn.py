"""Whether a paper has been withdrawn: arXiv has no mark for it but what authors and moderators write."""

import re

from core.domain.paper import Paper

_WITHDRAWN = re.compile(r"\bwithdrawn\b|\bwithdraw(?:s|ing)? (?:this|the) (?:paper|article|manuscript)", re.IGNORECASE)
_LONGEST_NOTICE = 400  # characters of an abstract that is nothing else


def is_withdrawn(paper: Paper) -> bool:
    """Whether its comment says so, or an abstract that is short enough to say nothing else."""
    notice = paper.abstract if len(paper.abstract) <= _LONGEST_NOTICE else ""
    return bool(_WITHDRAWN.search(paper.comment) or _WITHDRAWN.search(notice))
