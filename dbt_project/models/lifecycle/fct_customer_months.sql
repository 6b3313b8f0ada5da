{{ config(materialized='view') }}

with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}
    where is_purchase_month

),

-- Months without a purchase in which money moved: returns.
other_months as (

    select * from {{ ref('fct_purchase_months') }}
    where not is_purchase_month

),

first_purchases as (

    select
        customer_id,
        order_month as first_purchase_month
    from {{ ref('fct_purchase_months') }}
    where state = 'new'

),

registered_customers as (

    select * from {{ ref('dim_customers') }}
    where is_registered

),

purchase_ranges as (

    select
        customer_id,
        order_month as from_month,
        coalesce(next_purchase_month, {{ end_of_time() }}) as until_month
    from purchase_months

),

purchase_range_months as (

{{ fill_month_ranges('purchase_ranges', ref('dim_months')) }}

),

gaps as (

    select
        purchase_ranges.customer_id,
        purchase_range_months.order_month
    from purchase_ranges
    inner join purchase_range_months
        on
            purchase_ranges.from_month = purchase_range_months.from_month
            and purchase_ranges.until_month = purchase_range_months.until_month
    where purchase_range_months.order_month > purchase_ranges.from_month

),

-- Known from the customers dataset and not yet a buyer; without a registration date, known from
-- the first month in the data.
prospect_ranges as (

    select
        registered_customers.customer_id,
        {{ prospect_from_month('registered_customers.registered_date', ref('dim_months')) }}
            as from_month,
        coalesce(first_purchases.first_purchase_month, {{ end_of_time() }}) as until_month
    from registered_customers
    left join first_purchases
        on registered_customers.customer_id = first_purchases.customer_id

),

prospect_range_months as (

{{ fill_month_ranges('prospect_ranges', ref('dim_months')) }}

),

prospects as (

    select
        prospect_ranges.customer_id,
        prospect_range_months.order_month
    from prospect_ranges
    inner join prospect_range_months
        on
            prospect_ranges.from_month = prospect_range_months.from_month
            and prospect_ranges.until_month = prospect_range_months.until_month

),

without_purchase as (

    select
        customer_id,
        order_month,
        'inactive' as state
    from gaps
    union all
    select
        customer_id,
        order_month,
        'prospect' as state
    from prospects

)

select
    customer_id,
    order_month,
    state,
    order_count,
    revenue
from purchase_months
union all
select
    without_purchase.customer_id,
    without_purchase.order_month,
    without_purchase.state,
    cast(0 as bigint) as order_count,
    {{ money('coalesce(other_months.revenue, 0)') }} as revenue
from without_purchase
left join other_months
    on
        without_purchase.customer_id = other_months.customer_id
        and without_purchase.order_month = other_months.order_month
