-- Every customer's values at the last snapshot lie between the published bounds of the scores.

{%- set last_date = date_literal(last_two_snapshots()[1]) %}

with scored as (

    select
        scores.scheme,
        scores.snapshot_date,
        scores.customer_id,
        'recency_days' as measure,
        scores.r_score as score,
        cast(snapshots.recency_days as double) as value
    from {{ ref('fct_rfm_scores') }} as scores
    inner join {{ ref('fct_rfm_snapshots') }} as snapshots
        on
            scores.snapshot_date = snapshots.snapshot_date
            and scores.customer_id = snapshots.customer_id
    where
        scores.snapshot_date = {{ last_date }}
        and snapshots.snapshot_date = {{ last_date }}
    union all
    select
        scores.scheme,
        scores.snapshot_date,
        scores.customer_id,
        'frequency' as measure,
        scores.f_score as score,
        cast(snapshots.frequency as double) as value
    from {{ ref('fct_rfm_scores') }} as scores
    inner join {{ ref('fct_rfm_snapshots') }} as snapshots
        on
            scores.snapshot_date = snapshots.snapshot_date
            and scores.customer_id = snapshots.customer_id
    where
        scores.snapshot_date = {{ last_date }}
        and snapshots.snapshot_date = {{ last_date }}
    union all
    select
        scores.scheme,
        scores.snapshot_date,
        scores.customer_id,
        'monetary' as measure,
        scores.m_score as score,
        cast(snapshots.monetary as double) as value
    from {{ ref('fct_rfm_scores') }} as scores
    inner join {{ ref('fct_rfm_snapshots') }} as snapshots
        on
            scores.snapshot_date = snapshots.snapshot_date
            and scores.customer_id = snapshots.customer_id
    where
        scores.snapshot_date = {{ last_date }}
        and snapshots.snapshot_date = {{ last_date }}

),

ranges as (

    select
        scheme,
        snapshot_date,
        measure,
        score,
        min(value) as lowest,
        max(value) as highest
    from scored
    group by scheme, snapshot_date, measure, score

)

select ranges.*
from ranges
left join {{ ref('dim_rfm_cuts') }} as cuts
    on
        ranges.scheme = cuts.scheme
        and ranges.snapshot_date = cuts.snapshot_date
        and ranges.measure = cuts.measure
        and ranges.score = cuts.score
where
    cuts.score is null
    or ranges.lowest < cuts.lower_bound
    or ranges.highest > cuts.upper_bound
    or (not cuts.is_lower_bound_included and ranges.lowest = cuts.lower_bound)
    or (cuts.is_lower_bound_included and ranges.highest = cuts.upper_bound)
