"""What digests say of their own, in each language: a table. Technical terms stay in English in all of them."""

from collections.abc import Mapping

Words = Mapping[str, str]

_ROWS: dict[str, tuple[str, str, str]] = {  # English, Korean, Chinese
    # What all styles have
    "digest": ("Digest", "다이제스트", "每日摘要"),
    "incomplete": (
        "This batch is {state}: {reason}.",
        "이 날짜의 배치는 {state} 상태입니다: {reason}.",
        "该日批次的状态为 {state}：{reason}。",
    ),
    "no reason": ("some announcements are missing", "일부 공지가 누락되었습니다", "部分公告缺失"),
    "none": (
        "No paper of this day meets the feed's rules.",
        "이 날짜에는 피드의 조건에 맞는 논문이 없습니다.",
        "当天没有符合该订阅源规则的论文。",
    ),
    "pending": (
        "{count} of {total} summaries are not there yet.",
        "요약 {total}건 중 {count}건이 아직 없습니다.",
        "{total} 篇总结中有 {count} 篇尚缺。",
    ),
    "late": (
        "{count} papers came after their day.",
        "논문 {count}편은 해당 날짜가 지난 뒤에 수집되었습니다.",
        "有 {count} 篇论文是在当日之后才收录的。",
    ),
    "other language": (
        "Summaries are in the feed's own language ({language}).",
        "요약은 피드에 설정된 언어({language})로 되어 있습니다.",
        "总结使用该订阅源设定的语言（{language}）。",
    ),
    "summary pending": (
        "The summary is not made yet.",
        "요약이 아직 작성되지 않았습니다.",
        "总结尚未生成。",
    ),
    "summary budget": (
        "The summary waits: the budget of models is spent for now.",
        "모델 사용 예산이 소진되어 요약이 대기 중입니다.",
        "模型预算已用完，总结稍后生成。",
    ),
    "summary failed": (
        "The summary failed: {problem}.",
        "요약에 실패했습니다: {problem}.",
        "总结生成失败：{problem}。",
    ),
    "unknown problem": ("the reason was not recorded", "원인이 기록되지 않았습니다", "原因未记录"),
    "extracted": ("Extracted from the abstract", "초록에서 추출한 요약", "摘自论文摘要"),
    "no authors": ("No authors given", "저자 정보 없음", "未提供作者信息"),
    "more authors": ("{names} and {count} more", "{names} 외 {count}명", "{names} 等另外 {count} 人"),
    "colon": (": ", ": ", "："),
    "date": ("Date", "날짜", "日期"),
    "link": ("Link", "링크", "链接"),
    "code": ("Code", "코드", "代码"),
    "title": ("Title", "제목", "标题"),
    "score": ("Score", "점수", "得分"),
    "upvotes": ("Upvotes", "추천 수", "点赞数"),
    "footer": ("Digest of {date}", "{date} 다이제스트", "{date} 每日摘要"),
    # list
    "deployed": ("Deployed with Vercel", "Vercel로 배포됨", "已通过 Vercel 部署"),
    "statistics": ("Statistics", "통계", "统计"),
    "last updated": ("Last updated", "마지막 업데이트", "最后更新"),
    "total papers": ("Total papers", "전체 논문 수", "论文总数"),
    "of collected": ("{count} of {total} collected", "수집된 {total}편 중 {count}편", "{count}（共收集 {total} 篇）"),
    "categories monitored": ("Categories monitored", "모니터링 카테고리", "监控的类别"),
    "recent papers": ("Recent papers", "최근 논문", "最新论文"),
    "authors": ("Authors", "저자", "作者"),
    "category": ("Category", "카테고리", "类别"),
    "published": ("Published", "게재일", "发布日期"),
    "announced on": ("announced {date}", "{date} 공지", "{date} 公布"),
    "type": ("Type", "유형", "类型"),
    "arxiv id": ("arXiv ID", "arXiv ID", "arXiv ID"),
    "configuration": ("Configuration", "설정", "配置"),
    "keyword": ("Keyword", "키워드", "关键词"),
    "weight": ("Weight", "가중치", "权重"),
    "no keywords": (
        "No keywords: every paper of these categories is in.",
        "키워드 없음: 해당 카테고리의 모든 논문을 포함합니다.",
        "未设置关键词：收录这些类别的所有论文。",
    ),
    "excluded": ("Left out, with one of these words", "다음 단어가 있으면 제외", "含以下词语则排除"),
    "from score": ("From score", "최소 점수", "最低得分"),
    "a day": ("At most a day", "하루 최대", "每日上限"),
    "schedule": ("Schedule", "일정", "更新时间"),
    "schedule text": (
        "arXiv announces papers from Sunday to Thursday at 20:00 US Eastern time. "
        "Batches are dated Monday to Friday and are fetched from 00:20 US Eastern time on.",
        "arXiv는 일요일부터 목요일까지 미국 동부 시간 20:00에 논문을 공지합니다. "
        "배치 날짜는 월요일부터 금요일까지이며, 미국 동부 시간 00:20부터 수집합니다.",
        "arXiv 于美国东部时间周日至周四 20:00 公布论文。批次日期为周一至周五，自美国东部时间 00:20 起抓取。",
    ),
    "how to use": ("How to use", "사용 방법", "使用方法"),
    "subscribe": ("Subscribe in a feed reader", "피드 리더에서 구독", "在阅读器中订阅"),
    "one a day": ("One digest a day", "하루 한 번 다이제스트", "每日一篇摘要"),
    "query": ("Query as JSON", "JSON으로 조회", "以 JSON 查询"),
    "command": ("On the command line", "명령줄에서", "命令行"),
    # staged
    "analysis statistics": ("Analysis statistics", "분석 통계", "分析统计"),
    "stage 1": (
        "Stage 1 (abstract screening): collected {collected} → {prioritised} prioritised",
        "1단계(초록 선별): 수집 {collected}편 → 우선 선정 {prioritised}편",
        "阶段 1（摘要筛选）：收集 {collected} 篇 → 优先 {prioritised} 篇",
    ),
    "screened": ("screened: {count}", "선별 완료: {count}편", "已筛选：{count} 篇"),
    "deep": (
        "for deep analysis (predicted ≥ {at}): {count}",
        "심층 분석 대상(예측 ≥ {at}): {count}편",
        "进入深度分析（预测 ≥ {at}）：{count} 篇",
    ),
    "skipped": (
        "skipped (predicted < {at}): {count}",
        "제외(예측 < {at}): {count}편",
        "略过（预测 < {at}）：{count} 篇",
    ),
    "not screened": ("not analysed yet: {count}", "아직 분석되지 않음: {count}편", "尚未分析：{count} 篇"),
    "stage 2": ("Stage 2 (PDF): analysed {count}", "2단계(PDF): 분석 {count}편", "阶段 2（PDF）：已分析 {count} 篇"),
    "count must-read": ("must-read (≥ {at}): {count}", "필독(≥ {at}): {count}편", "必读（≥ {at}）：{count} 篇"),
    "count review": (
        "review (≥ {at}, < {below}): {count}",
        "검토(≥ {at}, < {below}): {count}편",
        "待读（≥ {at}，< {below}）：{count} 篇",
    ),
    "count skip": ("skip (< {at}): {count}", "제외(< {at}): {count}편", "略过（< {at}）：{count} 篇"),
    "awaiting": ("waiting for analysis: {count}", "분석 대기: {count}편", "等待分析：{count} 篇"),
    "of points": ("{points} points: {ids}", "{points}점: {ids}", "{points} 分：{ids}"),
    "no rubric": (
        "This feed has no rubric: its papers are neither screened nor analysed.",
        "이 피드에는 rubric이 없어 논문을 선별하거나 분석하지 않습니다.",
        "该订阅源未设置 rubric，论文不会被筛选或分析。",
    ),
    "high": (
        "High-scoring papers (final ≥ {at})",
        "고득점 논문(최종 ≥ {at})",
        "高分论文（最终 ≥ {at}）",
    ),
    "points": ("{points} points", "{points}점", "{points} 分"),
    "institutions": ("Institutions", "소속 기관", "机构"),
    "not named": ("not named", "명시되지 않음", "未注明"),
    "venue": ("Venue", "발표처", "发表于"),
    "preprint": ("arXiv preprint", "arXiv preprint", "arXiv preprint"),
    "predicted → final": ("Predicted → final", "예측 → 최종", "预测 → 最终"),
    "note": ("Note", "참고", "备注"),
    "four-point summary": ("Four-point summary", "4가지 핵심 요약", "四点总结"),
    "point": ("Point", "항목", "要点"),
    "summary": ("Summary", "요약", "总结"),
    "problem": ("a) Problem solved", "a) 해결하려는 문제", "a) 解决的问题"),
    "limits": ("b) Limits of existing approaches", "b) 기존 접근법의 한계", "b) 现有方法的局限"),
    "method": ("c) Proposed method", "c) 제안하는 방법", "c) 提出的方法"),
    "effect": ("d) Effect", "d) 효과", "d) 效果"),
    "not in summary": ("The summary does not say.", "요약에 언급되지 않았습니다.", "总结中未提及。"),
    "no summary": ("There is no summary.", "요약이 없습니다.", "没有总结。"),
    "rubric": ("Rubric", "평가 기준", "评分标准"),
    "criterion": ("Criterion", "기준", "标准"),
    "points/max": ("Points", "점수", "得分"),
    "grounds": ("Grounds", "근거", "依据"),
    "to review": (
        "Papers to review (final ≥ {at}, < {below})",
        "검토할 논문(최종 ≥ {at}, < {below})",
        "待读论文（最终 ≥ {at}，< {below}）",
    ),
    "gist": ("Gist", "한 줄 요약", "一句话概括"),
    "waiting papers": ("Waiting for analysis", "분석 대기 중인 논문", "等待分析的论文"),
    "unscreened papers": ("Not analysed yet", "아직 분석되지 않은 논문", "尚未分析的论文"),
    "skipped papers": ("Skipped papers", "제외된 논문", "略过的论文"),
    "predicted": ("Predicted", "예측", "预测"),
    "reason": ("Reason", "이유", "原因"),
    "final points": ("final: {points} of {max}", "최종: {max}점 만점에 {points}점", "最终：{points}/{max} 分"),
    "nothing here": ("None.", "없음.", "无。"),
}
_LANGUAGES = ("en", "ko", "zh")


def words(language: str) -> Words:
    """The words of a language by their keys, which are near to the English ones."""
    at = _LANGUAGES.index(language)
    return {key: row[at] for key, row in _ROWS.items()}
