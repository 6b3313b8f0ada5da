-- Where the customers of each snapshot were in the one before, added up. Every customer is read
-- once per pair: the values before are those of the same interval or of the interval that ends
-- where it begins, and the money of both months comes by one join.

{{ config(
    materialized='incremental',
    pre_hook="{{ remove_stale_moves() }}"
) }}

with pairs as (

    select
        snapshots.snapshot_date as to_snapshot,
        snapshots.previous_snapshot_date as from_snapshot,
        snapshots.order_month
    from {{ ref('dim_snapshots') }} as snapshots
    {%- if is_incremental_build() %}
    where snapshots.snapshot_date not in (select kept.to_snapshot from {{ this }} as kept)
    {%- endif %}

),

-- From the first month that is asked for.
intervals as (

    select
        *,
        {{ snapshot_month('valid_from') }} as from_month,
        {{ snapshot_month('valid_until') }} as until_month
    from {{ ref('fct_rfm_intervals') }}
    where valid_until >= (select min(pairs.order_month) from pairs)

),

-- Intervals that a snapshot falls into.
held_intervals as (

    select
        customer_id,
        from_month,
        until_month,
        last_order_date,
        frequency,
        monetary
    from intervals
    where from_month < until_month

),

neighbours as (

    select
        *,
        lag(until_month) over (partition by customer_id order by from_month)
            as earlier_until_month,
        lag(last_order_date) over (partition by customer_id order by from_month)
            as earlier_last_order_date,
        lag(frequency) over (partition by customer_id order by from_month) as earlier_frequency,
        lag(monetary) over (partition by customer_id order by from_month) as earlier_monetary,
        lead(from_month) over (partition by customer_id order by from_month) as later_from_month
    from held_intervals

),

-- A customer whose orders are all undone has one more row, in the first snapshot without them.
ranges as (

    select
        customer_id,
        from_month,
        until_month,
        last_order_date,
        frequency,
        monetary,
        case when earlier_until_month = from_month then earlier_last_order_date end
            as earlier_last_order_date,
        case when earlier_until_month = from_month then earlier_frequency end
            as earlier_frequency,
        case when earlier_until_month = from_month then earlier_monetary end
            as earlier_monetary,
        case
            when until_month = {{ end_of_time() }} or later_from_month = until_month
                then until_month
            else cast({{ dbt.dateadd('month', 1, 'until_month') }} as date)
        end as fill_until_month
    from neighbours

),

-- Every range of months that there can be; with the month that is filled, the last one may lie a
-- month further.
fill_until_months as (

    select cast({{ dbt.dateadd('month', 1, 'order_month') }} as date) as fill_until_month
    from {{ ref('dim_months') }}
    union all
    select {{ end_of_time() }} as fill_until_month

),

fill_months as (

    select
        from_months.order_month as from_month,
        fill_until_months.fill_until_month
    from {{ ref('dim_months') }} as from_months
    inner join fill_until_months
        on from_months.order_month < fill_until_months.fill_until_month

),

range_pairs as (

    select
        fill_months.from_month,
        fill_months.fill_until_month,
        pairs.to_snapshot,
        pairs.from_snapshot,
        pairs.order_month
    from fill_months
    inner join pairs
        on
            fill_months.from_month <= pairs.order_month
            and fill_months.fill_until_month > pairs.order_month

),

customer_pairs as (

    select
        ranges.customer_id,
        range_pairs.order_month,
        case when range_pairs.order_month < ranges.until_month then 1 end as is_after,
        case
            when range_pairs.from_snapshot is null then null
            when range_pairs.order_month > ranges.from_month then 1
            when ranges.earlier_frequency is not null then 1
        end as is_before,
        {{ dbt.datediff('ranges.last_order_date', 'range_pairs.to_snapshot', 'day') }}
            as recency_days,
        ranges.frequency,
        ranges.monetary,
        case
            when range_pairs.order_month > ranges.from_month
                then {{ dbt.datediff(
                    'ranges.last_order_date', 'range_pairs.from_snapshot', 'day'
                ) }}
            else {{ dbt.datediff(
                'ranges.earlier_last_order_date', 'range_pairs.from_snapshot', 'day'
            ) }}
        end as recency_days_before,
        case
            when range_pairs.order_month > ranges.from_month then ranges.frequency
            else ranges.earlier_frequency
        end as frequency_before,
        case
            when range_pairs.order_month > ranges.from_month then ranges.monetary
            else ranges.earlier_monetary
        end as monetary_before
    from ranges
    inner join range_pairs
        on
            ranges.from_month = range_pairs.from_month
            and ranges.fill_until_month = range_pairs.fill_until_month

),

later_months as (

    select
        customer_id,
        order_month,
        revenue,
        is_purchase_month
    from {{ ref('fct_purchase_months') }}
    where order_month in (select pairs.order_month from pairs)

),

earlier_months as (

    select
        customer_id,
        cast({{ dbt.dateadd('month', 1, 'order_month') }} as date) as order_month,
        revenue,
        is_purchase_month
    from {{ ref('fct_purchase_months') }}

),

money_of_both_months as (

    select
        customer_id,
        order_month,
        revenue,
        case when is_purchase_month then 1 else 0 end as bought,
        0 as revenue_before,
        0 as bought_before
    from later_months
    union all
    select
        customer_id,
        order_month,
        0 as revenue,
        0 as bought,
        revenue as revenue_before,
        case when is_purchase_month then 1 else 0 end as bought_before
    from earlier_months
    where
        order_month in (
            select pairs.order_month from pairs
            where pairs.from_snapshot is not null
        )

),

money as (

    select
        customer_id,
        order_month,
        sum(revenue) as revenue,
        max(bought) as bought,
        sum(revenue_before) as revenue_before,
        max(bought_before) as bought_before
    from money_of_both_months
    group by customer_id, order_month

),

with_money as (

    select
        coalesce(customer_pairs.order_month, money.order_month) as order_month,
        coalesce(customer_pairs.is_after, 0) as is_after,
        coalesce(customer_pairs.is_before, 0) as is_before,
        customer_pairs.recency_days,
        customer_pairs.frequency,
        customer_pairs.monetary,
        customer_pairs.recency_days_before,
        customer_pairs.frequency_before,
        customer_pairs.monetary_before,
        {%- for measure in rfm_measures() %}
        {{ rfm_number(measure, 'customer_pairs.' ~ measure) }} as {{ measure }}_number,
        {{ rfm_number(measure, 'customer_pairs.' ~ measure ~ '_before') }}
            as {{ measure }}_before_number,
        {%- endfor %}
        coalesce(money.revenue, 0) as revenue,
        coalesce(money.bought, 0) as bought,
        coalesce(money.revenue_before, 0) as revenue_before,
        coalesce(money.bought_before, 0) as bought_before
    from customer_pairs
    full outer join money
        on
            customer_pairs.customer_id = money.customer_id
            and customer_pairs.order_month = money.order_month

),

cuts as (

{{ rfm_score_bounds(ref('dim_rfm_cuts')) }}

),

schemes as (

    select * from {{ ref('int_rfm_schemes') }}

),

scheme_pairs as (

    select
        schemes.scheme,
        pairs.to_snapshot,
        pairs.from_snapshot,
        pairs.order_month
    from pairs
    cross join schemes

),

-- The cuts of both snapshots side by side.
pair_cuts as (

    select
        scheme_pairs.order_month,
        scheme_pairs.to_snapshot,
        scheme_pairs.from_snapshot,
        scheme_pairs.scheme as pair_scheme,
        cuts_after.*,
        {{ rfm_score_bound_names('cuts_before', '_before') }}
    from scheme_pairs
    left join cuts as cuts_after
        on
            scheme_pairs.scheme = cuts_after.scheme
            and scheme_pairs.to_snapshot = cuts_after.snapshot_date
    left join cuts as cuts_before
        on
            scheme_pairs.scheme = cuts_before.scheme
            and scheme_pairs.from_snapshot = cuts_before.snapshot_date

),

scored as (

    select
        pair_cuts.pair_scheme as scheme,
        pair_cuts.to_snapshot,
        pair_cuts.from_snapshot,
        with_money.*,
        case when with_money.is_after = 1 then {{ rfm_cell_number(
            rfm_score('recency_days', 'with_money.recency_days_number', 'pair_cuts'),
            rfm_score('frequency', 'with_money.frequency_number', 'pair_cuts'),
            rfm_score('monetary', 'with_money.monetary_number', 'pair_cuts'),
        ) }} end as to_cell,
        case when with_money.is_before = 1 then {{ rfm_cell_number(
            rfm_score('recency_days', 'with_money.recency_days_before_number', 'pair_cuts', '_before'),
            rfm_score('frequency', 'with_money.frequency_before_number', 'pair_cuts', '_before'),
            rfm_score('monetary', 'with_money.monetary_before_number', 'pair_cuts', '_before'),
        ) }} end as from_cell
    from with_money
    inner join pair_cuts
        on with_money.order_month = pair_cuts.order_month

),

-- By scores first, so that segments are looked up for groups and not for customers.
summed as (

    select
        scheme,
        to_snapshot,
        from_snapshot,
        from_cell,
        to_cell,
        bought_before,
        bought,
        count(*) as customers,
        sum(case when is_after = 1 then recency_days end) as recency_days,
        sum(case when is_after = 1 then frequency end) as frequency,
        sum(case when is_before = 1 then monetary_before end) as monetary_before,
        sum(case when is_after = 1 then monetary end) as monetary,
        sum(revenue_before) as revenue_before,
        sum(revenue) as revenue
    from scored
    group by
        scheme, to_snapshot, from_snapshot, from_cell, to_cell, bought_before, bought

),

cells as (

    select
        scheme,
        {{ rfm_cell_number('r_score', 'f_score', 'm_score') }} as cell,
        segment
    from {{ ref('dim_rfm_cells') }}

),

named as (

    select
        summed.*,
        case when summed.from_cell is null then 'none' else from_cells.segment end as from_segment,
        case when summed.to_cell is null then 'none' else to_cells.segment end as to_segment
    from summed
    left join cells as from_cells
        on
            summed.scheme = from_cells.scheme
            and summed.from_cell = from_cells.cell
    left join cells as to_cells
        on
            summed.scheme = to_cells.scheme
            and summed.to_cell = to_cells.cell

)

select
    scheme,
    to_snapshot,
    from_snapshot,
    from_segment,
    to_segment,
    bought_before = 1 as is_buyer_before,
    bought = 1 as is_buyer_after,
    cast(sum(customers) as bigint) as customers,
    cast(coalesce(sum(recency_days), 0) as bigint) as recency_days,
    cast(coalesce(sum(frequency), 0) as bigint) as frequency,
    {{ sum_money('monetary_before') }} as monetary_before,
    {{ sum_money('monetary') }} as monetary_after,
    {{ sum_money('revenue_before') }} as revenue_before,
    {{ sum_money('revenue') }} as revenue_after
from named
group by
    scheme, to_snapshot, from_snapshot, from_segment, to_segment, bought_before, bought
