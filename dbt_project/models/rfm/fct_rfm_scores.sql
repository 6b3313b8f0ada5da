{%- set measures = ['recency_days', 'frequency', 'monetary'] %}

with snapshots as (

    select
        snapshot_date,
        customer_id,
        cast(recency_days as double) as recency_days,
        cast(frequency as double) as frequency,
        cast(monetary as double) as monetary
    from {{ ref('fct_rfm_snapshots') }}

),

schemes as (

    select * from {{ ref('rfm_schemes') }}

),

thresholds as (

    select * from {{ ref('int_rfm_thresholds') }}

),

cells as (

    select * from {{ ref('int_rfm_cells') }}

),

cuts as (

    select
        thresholds.scheme,
        thresholds.snapshot_date,
        schemes.method,
        schemes.r_weight,
        schemes.f_weight,
        schemes.m_weight
        {%- for measure in measures %},
        sum(case when thresholds.measure = '{{ measure }}' then 1 else 0 end)
            as {{ measure }}_threshold_count,
        max(case
            when thresholds.measure = '{{ measure }}' and thresholds.is_reached_at_threshold then 1
            else 0
        end) = 1 as {{ measure }}_is_reached
        {%- for number in range(1, max_rfm_thresholds() + 1) %},
        max(case
            when thresholds.measure = '{{ measure }}' and thresholds.threshold_number = {{ number }}
                then thresholds.threshold
        end) as {{ measure }}_{{ number }}
        {%- endfor %}
        {%- endfor %}
    from thresholds
    inner join schemes
        on thresholds.scheme = schemes.scheme
    group by
        thresholds.scheme, thresholds.snapshot_date, schemes.method,
        schemes.r_weight, schemes.f_weight, schemes.m_weight

),

passed as (

    select
        snapshots.snapshot_date,
        snapshots.customer_id,
        cuts.scheme,
        cuts.r_weight,
        cuts.f_weight,
        cuts.m_weight,
        case when cuts.method in ('mean', 'median') then 0 else 1 end as lowest_score,
        cuts.recency_days_threshold_count
        - {{ thresholds_passed('recency_days', 'cuts') }} as r_passed,
        {{ thresholds_passed('frequency', 'cuts') }} as f_passed,
        {{ thresholds_passed('monetary', 'cuts') }} as m_passed
    from snapshots
    inner join cuts
        on snapshots.snapshot_date = cuts.snapshot_date

),

scored as (

    select
        snapshot_date,
        scheme,
        customer_id,
        r_weight,
        f_weight,
        m_weight,
        cast(lowest_score + r_passed as bigint) as r_score,
        cast(lowest_score + f_passed as bigint) as f_score,
        cast(lowest_score + m_passed as bigint) as m_score
    from passed

)

select
    scored.snapshot_date,
    scored.scheme,
    scored.customer_id,
    scored.r_score,
    scored.f_score,
    scored.m_score,
    cells.rfm_code,
    scored.r_score + scored.f_score + scored.m_score as rfm_total,
    cast(
        scored.r_score * scored.r_weight + scored.f_score * scored.f_weight
        + scored.m_score * scored.m_weight as double
    ) as rfm_weighted_score,
    cells.segment
from scored
inner join cells
    on
        scored.scheme = cells.scheme
        and scored.r_score = cells.r_score
        and scored.f_score = cells.f_score
        and scored.m_score = cells.m_score
