-- Counted from the months with a purchase alone: whoever has ever bought and does not buy in a
-- month is inactive in it. A test compares the counts with the rows of fct_customer_months.

with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}
    where is_purchase_month

),

registered_customers as (

    select * from {{ ref('dim_customers') }}
    where is_registered

),

months as (

    select * from {{ ref('dim_months') }}

),

counted as (

    select
        order_month,
        sum(case when state = 'new' then 1 else 0 end) as new_count,
        sum(case when state = 'active' then 1 else 0 end) as active_count,
        sum(case when state = 'reactivated' then 1 else 0 end) as reactivated_count
    from purchase_months
    group by order_month

),

first_purchases as (

    select
        customer_id,
        order_month as first_purchase_month
    from {{ ref('fct_purchase_months') }}
    where state = 'new'

),

-- Registered customers by the months between which they are known and have not bought.
prospect_ranges as (

    select
        {{ prospect_from_month('registered_customers.registered_date', ref('dim_months')) }}
            as from_month,
        coalesce(first_purchases.first_purchase_month, {{ end_of_time() }}) as until_month
    from registered_customers
    left join first_purchases
        on registered_customers.customer_id = first_purchases.customer_id

),

counted_prospect_ranges as (

    select
        from_month,
        until_month,
        count(*) as prospect_count
    from prospect_ranges
    group by from_month, until_month

),

prospects_by_month as (

    select
        months.order_month,
        sum(counted_prospect_ranges.prospect_count) as prospect_count
    from counted_prospect_ranges
    inner join months
        on
            counted_prospect_ranges.from_month <= months.order_month
            and counted_prospect_ranges.until_month > months.order_month
    group by months.order_month

),

filled as (

    select
        months.order_month,
        months.is_partial_month,
        months.is_left_censored_month,
        coalesce(counted.new_count, 0) as new_count,
        coalesce(counted.active_count, 0) as active_count,
        coalesce(counted.reactivated_count, 0) as reactivated_count,
        coalesce(prospects_by_month.prospect_count, 0) as prospect_count
    from months
    left join counted
        on months.order_month = counted.order_month
    left join prospects_by_month
        on months.order_month = prospects_by_month.order_month

),

accumulated as (

    select
        *,
        new_count + active_count + reactivated_count as buyer_count,
        sum(new_count) over (
            order by order_month
            rows between unbounded preceding and current row
        ) as customer_count,
        lag(new_count + active_count + reactivated_count, 1, 0) over (order by order_month)
            as last_month_buyer_count
    from filled

)

select
    order_month,
    cast(new_count as bigint) as new,
    cast(active_count as bigint) as active,
    cast(reactivated_count as bigint) as reactivated,
    cast(customer_count - buyer_count as bigint) as inactive,
    cast(last_month_buyer_count - active_count as bigint) as newly_lapsed,
    cast(buyer_count as bigint) as buyers,
    cast(customer_count as bigint) as customers,
    cast(prospect_count as bigint) as prospects,
    is_partial_month,
    is_left_censored_month
from accumulated
