"""What became of each cluster: kept, new, split, merged, vanished; in words.

Belongs here: reading the events off the customers that two solutions share. Does not belong here:
which clusters are the same (``identity``).

An old and a new cluster with the same id are ``kept``. A new id is ``split`` off the old cluster
that most of its customers come from, and ``new`` where none is the origin of most. An old id that
is gone has ``merged`` into the new cluster that took most of its customers, and has ``vanished``
where none did.
"""

from collections.abc import Sequence

import pandas as pd

from orchestration.analytics.sampling import FloatArray
from orchestration.analytics.wording import percent

EVENT_COLUMNS = (
    "event",
    "from_cluster_id",
    "to_cluster_id",
    "customers",
    "share",
    "detail_en",
    "detail_zh",
)

_Row = tuple[str, str | None, str | None, int, float | None, str, str]


def cluster_events(
    old_ids: Sequence[str],
    new_ids: Sequence[str],
    shared: FloatArray,
    kept: Sequence[tuple[int, int]],
    majority: float,
) -> pd.DataFrame:
    """One row per event, columns EVENT_COLUMNS: first the new clusters, then the old that ended.

    ``customers`` went from the one cluster to the other; ``share`` is their part of the old
    cluster, of the new one for ``new``. Null where no customer is in both solutions.

    Args:
        old_ids, new_ids: by number.
        shared: customers in both solutions; shape (old, new).
        kept: places of the clusters that have the same id.
        majority: part that makes a cluster the origin or the heir.
    """
    origin = {now: old for old, now in kept}
    heir = dict(kept)
    rows = [
        _kept(old_ids[origin[now]], now, origin[now], shared)
        if now in origin
        else _begun(new_id, now, old_ids, shared, majority)
        for now, new_id in enumerate(new_ids)
    ]
    rows += [
        _ended(old_id, old, new_ids, shared, majority)
        for old, old_id in enumerate(old_ids)
        if old not in heir
    ]
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS))


def _kept(cluster_id: str, now: int, old: int, shared: FloatArray) -> _Row:
    customers, share = int(shared[old, now]), _part(shared[old, now], shared[old].sum())
    words = (
        f"{cluster_id} keeps {_of(share)} of its customers",
        f"{cluster_id} 保留了{_of_zh(share)}的客户",
    )
    return "kept", cluster_id, cluster_id, customers, share, *words


def _begun(
    new_id: str, now: int, old_ids: Sequence[str], shared: FloatArray, majority: float
) -> _Row:
    old = int(shared[:, now].argmax())
    customers, old_id = int(shared[old, now]), old_ids[old]
    of_new = _part(shared[old, now], shared[:, now].sum())
    if of_new is not None and of_new >= majority:
        of_old = _part(shared[old, now], shared[old].sum())
        words = (
            f"{new_id} split off {old_id} with {_of(of_old)} of its customers",
            f"{new_id} 从 {old_id} 分出，带走{_of_zh(of_old)}的客户",
        )
        return "split", old_id, new_id, customers, of_old, *words
    if of_new is None:
        words = (f"{new_id} is new", f"{new_id} 是新簇")
        return "new", None, new_id, 0, None, *words
    words = (
        f"{new_id} is new; at most {_of(of_new)} of it comes from one cluster ({old_id})",
        f"{new_id} 是新簇；最多{_of_zh(of_new)}来自同一簇（{old_id}）",
    )
    return "new", None, new_id, int(shared[:, now].sum()), of_new, *words


def _ended(
    old_id: str, old: int, new_ids: Sequence[str], shared: FloatArray, majority: float
) -> _Row:
    now = int(shared[old].argmax())
    customers, new_id = int(shared[old, now]), new_ids[now]
    share = _part(shared[old, now], shared[old].sum())
    if share is not None and share >= majority:
        words = (
            f"{old_id} merged into {new_id} with {_of(share)} of its customers",
            f"{old_id} 并入 {new_id}，占其{_of_zh(share)}的客户",
        )
        return "merged", old_id, new_id, customers, share, *words
    if share is None:
        words = (f"{old_id} has vanished", f"{old_id} 已消失")
        return "vanished", old_id, None, 0, None, *words
    words = (
        f"{old_id} has vanished; at most {_of(share)} of it is in one cluster ({new_id})",
        f"{old_id} 已消失；最多{_of_zh(share)}进入同一簇（{new_id}）",
    )
    return "vanished", old_id, None, int(shared[old].sum()), share, *words


def _part(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _of(share: float | None) -> str:
    return "an unknown part" if share is None else percent(share)


def _of_zh(share: float | None) -> str:
    return "未知比例" if share is None else f" {percent(share)} "
