{{ config(materialized='view') }}

with snapshots as (

    select
        snapshot_date,
        customer_id,
        {{ rfm_number('recency_days', 'recency_days') }} as recency_days,
        {{ rfm_number('frequency', 'frequency') }} as frequency,
        {{ rfm_number('monetary', 'monetary') }} as monetary
    from {{ ref('fct_rfm_snapshots') }}

),

cuts as (

{{ rfm_score_bounds(ref('dim_rfm_cuts')) }}

),

cells as (

    select * from {{ ref('dim_rfm_cells') }}

),

scored as (

    select
        snapshots.snapshot_date,
        cuts.scheme,
        snapshots.customer_id,
        cast({{ rfm_score('recency_days', 'snapshots.recency_days', 'cuts') }} as bigint)
            as r_score,
        cast({{ rfm_score('frequency', 'snapshots.frequency', 'cuts') }} as bigint)
            as f_score,
        cast({{ rfm_score('monetary', 'snapshots.monetary', 'cuts') }} as bigint)
            as m_score
    from snapshots
    inner join cuts
        on snapshots.snapshot_date = cuts.snapshot_date

)

select
    scored.snapshot_date,
    scored.scheme,
    scored.customer_id,
    scored.r_score,
    scored.f_score,
    scored.m_score,
    cells.rfm_code,
    cells.rfm_total,
    cells.rfm_weighted_score,
    cells.segment
from scored
inner join cells
    on
        scored.scheme = cells.scheme
        and scored.r_score = cells.r_score
        and scored.f_score = cells.f_score
        and scored.m_score = cells.m_score
