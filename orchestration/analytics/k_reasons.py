"""Why a number of clusters was taken, in English and Chinese.

Belongs here: the sentences about a choice that has been made. Does not belong here: making it
(``k_selection``).
"""

import pandas as pd

from orchestration.analytics.wording import percent

_FLAGS = (
    ("is_elbow", "The elbow", "肘部法则"),
    ("is_best_silhouette", "The silhouette alone", "仅看轮廓系数"),
)


def reasons(
    table: pd.DataFrame,
    k: int,
    is_fixed: bool,
    is_fallback: bool,
    min_jaccard: float,
    min_share: float,
) -> tuple[str, str]:
    """What speaks for k, and what elbow and silhouette would have taken; English, Chinese.

    Args:
        table: the k report by k.
        k: the number taken.
        is_fixed: a person has set it.
        is_fallback: no k met the rule.
        min_jaccard, min_share: the bounds of the rule.
    """
    figures_en, figures_zh = _figures(table, k)
    share = percent(min_share)
    if is_fixed:
        is_stable = bool(table["is_stable"][k])
        stable_en = "it is stable" if is_stable else "it is not stable in resamples"
        stable_zh = "结果稳定" if is_stable else "重抽样下结果不稳定"
        english = f"k = {k} is set by hand; {stable_en} ({figures_en})."
        chinese = f"k = {k} 由人工指定；{stable_zh}（{figures_zh}）。"
    elif len(table) == 1 and k == 1:
        english = "All customers are alike in these features: one cluster."
        chinese = "所有客户在这些特征上相同：只有一个簇。"
    elif is_fallback:
        english = (
            f"No k has only clusters that come back in resamples (Jaccard >= {min_jaccard:.2f}) "
            f"and hold at least {share} of customers; the most stable, k = {k}, is taken "
            f"({figures_en}). Read it as a description, not as groups that exist."
        )
        chinese = (
            f"没有任何 k 同时满足各簇重抽样 Jaccard ≥ {min_jaccard:.2f} 且各占客户至少 {share}；"
            f"取最稳定的 k = {k}（{figures_zh}）。应视为描述，而非真实存在的群体。"
        )
    else:
        english = (
            f"k = {k} has the best silhouette among the k whose every cluster comes back in "
            f"resamples (Jaccard >= {min_jaccard:.2f}) and holds at least {share} of customers "
            f"({figures_en})."
        )
        chinese = (
            f"在各簇重抽样 Jaccard ≥ {min_jaccard:.2f} 且各占客户至少 {share} 的 k 中，"
            f"k = {k} 的轮廓系数最高（{figures_zh}）。"
        )
    for flag, name_en, name_zh in _FLAGS:
        other = flagged_k(table, flag)
        if other is not None:
            verdict_en, verdict_zh = _verdict(table, other, k, min_jaccard, min_share)
            english += f" {name_en} would have taken k = {other}{verdict_en}."
            chinese += f"{name_zh}会选 k = {other}{verdict_zh}。"
    return english, chinese


def flagged_k(table: pd.DataFrame, flag: str) -> int | None:
    """The k that a flag of the report is set for, None where it is set for none."""
    ks = table.index[table[flag].to_numpy(dtype=bool)]
    return int(ks[0]) if len(ks) else None


def _figures(table: pd.DataFrame, k: int) -> tuple[str, str]:
    jaccard = float(table["min_bootstrap_jaccard"][k])
    share = percent(float(table["smallest_cluster_share"][k]))
    english = f"least stable cluster Jaccard {jaccard:.2f}, smallest cluster {share} of customers"
    chinese = f"最不稳定的簇 Jaccard 为 {jaccard:.2f}，最小的簇占客户 {share}"
    if table["silhouette"].notna()[k]:
        silhouette = float(table["silhouette"][k])
        english = f"silhouette {silhouette:.3f}, {english}"
        chinese = f"轮廓系数 {silhouette:.3f}，{chinese}"
    return english, chinese


def _verdict(
    table: pd.DataFrame, other: int, k: int, min_jaccard: float, min_share: float
) -> tuple[str, str]:
    if other == k:
        return ", too", "，与此一致"
    faults_en, faults_zh = [], []
    jaccard = float(table["min_bootstrap_jaccard"][other])
    if jaccard < min_jaccard:
        faults_en.append(f"a cluster of it does not come back (Jaccard {jaccard:.2f})")
        faults_zh.append(f"其中有簇不可重现（Jaccard {jaccard:.2f}）")
    if table["smallest_cluster_share"][other] < min_share:
        few = int(table["smallest_cluster_customers"][other])
        faults_en.append(f"its smallest cluster is {few} customer{'' if few == 1 else 's'}")
        faults_zh.append(f"最小的簇只有 {few} 个客户")
    if not faults_en:
        return "", ""
    return f": {' and '.join(faults_en)}", f"：{'，'.join(faults_zh)}"
