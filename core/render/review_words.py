"""What reviews say of their own, in each language: a table. Headings are the template's."""

from collections.abc import Mapping

Words = Mapping[str, str]

_ROWS: dict[str, tuple[str, str, str]] = {  # English, Korean, Chinese
    "review of": ("A review of", "리뷰 대상:", "评述对象："),
    "by model": (
        "Written by {model} from {input}. It may be wrong: the paper itself decides.",
        "작성 모델: {model} · 읽은 자료: {input}. 내용이 틀릴 수 있으므로 논문 원문을 확인하십시오.",
        "由 {model} 根据{input}撰写。内容可能有误，请以论文为准。",
    ),
    "html": ("the paper's HTML", "논문의 HTML", "论文的 HTML 全文"),
    "pdf": ("the text of its PDF", "논문의 PDF 본문", "论文的 PDF 文本"),
    "abstract": ("the abstract alone", "초록", "摘要"),
    "note": ("Note: {note}.", "참고: {note}.", "注：{note}。"),
    "running": (
        "{answered} of {total} questions answered; the review is not complete yet.",
        "질문 {total}개 중 {answered}개에 답했습니다. 리뷰가 아직 완성되지 않았습니다.",
        "已回答 {total} 个问题中的 {answered} 个；评述尚未完成。",
    ),
    "partial": (
        "{answered} of {total} questions answered; the post was written without the others.",
        "질문 {total}개 중 {answered}개에 답했습니다. 나머지 없이 글을 작성했습니다.",
        "已回答 {total} 个问题中的 {answered} 个；本文未包含其余问题的内容。",
    ),
    "unanswered": ("Not answered yet.", "아직 답하지 않았습니다.", "尚未回答。"),
    "failed": ("Not answered: {problem}.", "답하지 못했습니다: {problem}.", "未能回答：{problem}。"),
    "no post": ("The post is not written yet.", "글이 아직 작성되지 않았습니다.", "文章尚未撰写。"),
    "more": (
        "The questions and answers are on the page of the review.",
        "질문과 답변은 리뷰 페이지에 있습니다.",
        "问与答见评述页面。",
    ),
    "colon": (": ", ": ", "："),
}
_LANGUAGES = ("en", "ko", "zh")


def words(language: str) -> Words:
    """The terms in a language; English where it is another one."""
    at = _LANGUAGES.index(language) if language in _LANGUAGES else 0
    return {key: texts[at] for key, texts in _ROWS.items()}
