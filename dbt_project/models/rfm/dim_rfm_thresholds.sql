-- One rule for every scheme: a value passes a threshold, or it does not, and its score counts the
-- thresholds passed. Quantile and mean cuts are passed by exceeding them; fixed bands are passed by
-- reaching them (recency: by not exceeding them, which the score reverses).

{%- set bins = var('rfm_quantile_bins') | int %}
{%- set shares = ['1/2'] %}
{%- for bin in range(1, bins) %}
{%- do shares.append(bin ~ '/' ~ bins) %}
{%- endfor %}

{{ config(
    materialized='incremental',
    pre_hook="{{ remove_stale_thresholds() }}"
) }}

with schemes as (

    select * from {{ ref('int_rfm_schemes') }}

),

bands as (

    select * from {{ ref('rfm_bands') }}

),

snapshots as (

    select
        schemes.scheme,
        schemes.base_scheme,
        schemes.method,
        dim_snapshots.snapshot_date,
        case
            when schemes.cut_source = 'refitted' then dim_snapshots.snapshot_date
            when schemes.cut_source = 'frozen' then {{ reference_snapshot() }}
        end as fitted_date
    from schemes
    cross join {{ ref('dim_snapshots') }} as dim_snapshots
    {%- if is_incremental_build() %}
    where
        not exists (
            select 1 from {{ this }} as kept
            where
                kept.scheme = schemes.scheme
                and kept.snapshot_date = dim_snapshots.snapshot_date
        )
    {%- endif %}

),

fitted_dates as (

    select
        fitted_date as snapshot_date,
        {{ month_of('fitted_date') }} as order_month
    from snapshots
    where fitted_date is not null
    group by fitted_date

),

measured as (

    select
        snapshot_date,
        {%- for measure in rfm_measures() %}
        {{ rfm_measure(measure) }} as {{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}
    from ({{ rfm_at('fitted_dates') }}) as fitted_rows

),

-- Customers are counted by value first: values are few beside customers, and a rank within them
-- is exact whatever the order of the rows. The three measures are counted in one pass.
counted as (

    select
        snapshot_date,
        {%- for measure in rfm_measures() %}
        {{ measure }},
        grouping({{ measure }}) as is_without_{{ measure }},
        {%- endfor %}
        count(*) as customer_count
    from measured
    group by grouping sets (
        {%- for measure in rfm_measures() %}
        (snapshot_date, {{ measure }}){{ ',' if not loop.last }}
        {%- endfor %}
    )

),

counted_values as (

    select
        snapshot_date,
        case
            {%- for measure in rfm_measures() %}
            when is_without_{{ measure }} = 0 then '{{ measure }}'
            {%- endfor %}
        end as measure,
        case
            {%- for measure in rfm_measures() %}
            when is_without_{{ measure }} = 0 then cast({{ measure }} as decimal(18, 4))
            {%- endfor %}
        end as measured_value,
        customer_count
    from counted

),

ranked_values as (

    select
        snapshot_date,
        measure,
        measured_value,
        customer_count,
        sum(customer_count) over (
            partition by snapshot_date, measure
            order by measured_value
            rows between unbounded preceding and current row
        ) as customers_up_to,
        sum(customer_count) over (partition by snapshot_date, measure) as all_customers,
        lead(measured_value) over (partition by snapshot_date, measure order by measured_value)
            as next_value
    from counted_values

),

-- Place of each quantile among the customers in order of value, counted from 0, in whole customers
-- and in parts of the way to the next one.
placed_values as (

    select
        *,
        customers_up_to - customer_count as customers_below
        {%- for share in shares %}
        {%- set part, whole = share.split('/') %},
        {{ integer_divide('(all_customers - 1) * ' ~ part, whole) }}
            as place_{{ part }}_of_{{ whole }}
        {%- endfor %}
    from ranked_values

),

statistics as (

    select
        snapshot_date,
        measure,
        {%- for share in shares %}
        {%- set part, whole = share.split('/') %}
        {%- set place = 'place_' ~ part ~ '_of_' ~ whole %}
        round(max(case
            when customers_below <= {{ place }} and customers_up_to > {{ place }}
                then cast(measured_value as double) + case
                    when {{ place }} + 1 < customers_up_to or next_value is null then 0
                    else
                        cast(next_value - measured_value as double)
                        * cast(
                            (all_customers - 1) * {{ part }} - {{ place }} * {{ whole }} as double
                        )
                        / {{ whole }}
                end
        end), 6) as cut_{{ part }}_of_{{ whole }},
        {%- endfor %}
        -- In ten-thousandths the sum is whole, so that a mean on a value lies on it exactly.
        cast(
            sum(
                cast(measured_value * 10000 as decimal(20, 0))
                * cast(customer_count as decimal(18, 0))
            ) as double
        ) / cast(max(all_customers) as double) / 10000 as mean_value
    from placed_values
    group by snapshot_date, measure

),

thresholds as (

    {%- for bin in range(1, bins) %}
    select
        snapshots.scheme,
        snapshots.snapshot_date,
        snapshots.fitted_date,
        statistics.measure,
        {{ bin }} as threshold_number,
        statistics.cut_{{ bin }}_of_{{ bins }} as threshold,
        false as is_reached_at_threshold
    from snapshots
    inner join statistics
        on snapshots.fitted_date = statistics.snapshot_date
    where snapshots.method = 'quantile'
    union all
    {%- endfor %}
    select
        snapshots.scheme,
        snapshots.snapshot_date,
        snapshots.fitted_date,
        statistics.measure,
        1 as threshold_number,
        case snapshots.method
            when 'mean' then statistics.mean_value
            else statistics.cut_1_of_2
        end as threshold,
        false as is_reached_at_threshold
    from snapshots
    inner join statistics
        on snapshots.fitted_date = statistics.snapshot_date
    where snapshots.method in ('mean', 'median')
    union all
    select
        snapshots.scheme,
        snapshots.snapshot_date,
        snapshots.fitted_date,
        bands.measure,
        bands.band as threshold_number,
        bands.threshold,
        bands.measure <> 'recency_days' as is_reached_at_threshold
    from snapshots
    inner join bands
        on snapshots.base_scheme = bands.scheme

)

select
    scheme,
    snapshot_date,
    cast(fitted_date as date) as fitted_date,
    measure,
    cast(threshold_number as bigint) as threshold_number,
    cast(threshold as double) as threshold,
    is_reached_at_threshold
from thresholds
