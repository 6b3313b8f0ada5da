-- One rule for every scheme: a value passes a threshold, or it does not, and its score counts the
-- thresholds passed. Quantile and mean cuts are passed by exceeding them; fixed bands are passed by
-- reaching them (recency: by not exceeding them, which the score reverses).

{%- set bins = var('rfm_quantile_bins') | int %}
{%- set measures = ['recency_days', 'frequency', 'monetary'] %}

with snapshots as (

    select
        snapshot_date,
        cast(recency_days as double) as recency_days,
        cast(frequency as double) as frequency,
        cast(monetary as double) as monetary
    from {{ ref('fct_rfm_snapshots') }}

),

schemes as (

    select * from {{ ref('rfm_schemes') }}

),

bands as (

    select * from {{ ref('rfm_bands') }}

),

snapshot_dates as (

    select * from {{ ref('int_snapshot_dates') }}

),

statistics as (

    select
        snapshot_date
        {%- for measure in measures %},
        avg({{ measure }}) as {{ measure }}_mean,
        percentile_cont(0.5) within group (order by {{ measure }}) as {{ measure }}_median
        {%- for bin in range(1, bins) %},
        percentile_cont({{ bin / bins }}) within group (order by {{ measure }})
            as {{ measure }}_cut_{{ bin }}
        {%- endfor %}
        {%- endfor %}
    from snapshots
    group by snapshot_date

),

thresholds as (

    {%- for measure in measures %}
    {%- for bin in range(1, bins) %}
    select
        schemes.scheme,
        statistics.snapshot_date,
        '{{ measure }}' as measure,
        {{ bin }} as threshold_number,
        statistics.{{ measure }}_cut_{{ bin }} as threshold,
        false as is_reached_at_threshold
    from statistics
    inner join schemes
        on schemes.method = 'quantile'
    union all
    {%- endfor %}
    select
        schemes.scheme,
        statistics.snapshot_date,
        '{{ measure }}' as measure,
        1 as threshold_number,
        case schemes.method
            when 'mean' then statistics.{{ measure }}_mean
            else statistics.{{ measure }}_median
        end as threshold,
        false as is_reached_at_threshold
    from statistics
    inner join schemes
        on schemes.method in ('mean', 'median')
    union all
    {%- endfor %}
    select
        bands.scheme,
        snapshot_dates.snapshot_date,
        bands.measure,
        bands.band as threshold_number,
        bands.threshold,
        bands.measure <> 'recency_days' as is_reached_at_threshold
    from bands
    cross join snapshot_dates

)

select
    scheme,
    cast(snapshot_date as date) as snapshot_date,
    measure,
    cast(threshold_number as bigint) as threshold_number,
    -- Rounding removes the noise of interpolation, so that a cut on a value lies on it exactly.
    round(cast(threshold as double), 6) as threshold,
    is_reached_at_threshold
from thresholds
