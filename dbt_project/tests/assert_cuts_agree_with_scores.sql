-- Values at the last snapshot lie between the published bounds of the scores they are given.

{%- set last_date = date_literal(last_two_snapshots()[1]) %}
{%- set sampled = is_sampled('customer_id', ref('fct_rfm_intervals')) %}

with scores as (

    select * from {{ ref('fct_rfm_scores') }}
    where
        snapshot_date = {{ last_date }}
        and {{ sampled }}

),

snapshots as (

    select * from {{ ref('fct_rfm_snapshots') }}
    where
        snapshot_date = {{ last_date }}
        and {{ sampled }}

),

cells as (

    select
        scores.scheme,
        scores.snapshot_date,
        scores.r_score,
        scores.f_score,
        scores.m_score
        {%- for measure in rfm_measures() %},
        min(cast(snapshots.{{ measure }} as double)) as lowest_{{ measure }},
        max(cast(snapshots.{{ measure }} as double)) as highest_{{ measure }}
        {%- endfor %}
    from scores
    inner join snapshots
        on scores.customer_id = snapshots.customer_id
    group by
        scores.scheme, scores.snapshot_date, scores.r_score, scores.f_score, scores.m_score

),

ranges as (

    {%- for measure in rfm_measures() %}
    select
        scheme,
        snapshot_date,
        '{{ measure }}' as measure,
        {{ measure[0] }}_score as score,
        min(lowest_{{ measure }}) as lowest,
        max(highest_{{ measure }}) as highest
    from cells
    group by scheme, snapshot_date, {{ measure[0] }}_score
    {{ 'union all' if not loop.last }}
    {%- endfor %}

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
