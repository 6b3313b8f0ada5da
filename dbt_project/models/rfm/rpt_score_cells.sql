-- Every customer is read and scored once; scores are not joined back to customers.

with snapshots as (

{{ rfm_at('(select * from ' ~ ref('dim_snapshots') ~ ' where is_as_of)') }}

),

measured as (

    select
        snapshot_date,
        {{ rfm_number('recency_days', rfm_measure('recency_days')) }} as recency_days,
        {{ rfm_number('frequency', 'frequency') }} as frequency,
        {{ rfm_number('monetary', 'monetary') }} as monetary_number,
        monetary
    from snapshots

),

cuts as (

{{ rfm_score_bounds(ref('dim_rfm_cuts')) }}

),

scored as (

    select
        cuts.scheme,
        measured.snapshot_date,
        {{ rfm_score('recency_days', 'measured.recency_days', 'cuts') }} as r_score,
        {{ rfm_score('frequency', 'measured.frequency', 'cuts') }} as f_score,
        {{ rfm_score('monetary', 'measured.monetary_number', 'cuts') }} as m_score,
        measured.monetary
    from measured
    inner join cuts
        on measured.snapshot_date = cuts.snapshot_date

)

select
    scheme,
    snapshot_date,
    cast(r_score as bigint) as r_score,
    cast(f_score as bigint) as f_score,
    cast(m_score as bigint) as m_score,
    count(*) as customers,
    {{ sum_money('monetary') }} as revenue
from scored
group by scheme, snapshot_date, r_score, f_score, m_score
