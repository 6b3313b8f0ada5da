-- Counted from the months with a purchase alone: whoever has ever bought and does not buy in a
-- month is inactive in it. A test compares the counts with the rows of fct_customer_months.

with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}
    where is_purchase_month

),

customers as (

    select * from {{ ref('dim_customers') }}

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
    from purchase_months
    where state = 'new'

),

prospects_by_month as (

    select
        months.order_month,
        count(*) as prospect_count
    from customers
    left join first_purchases
        on customers.customer_id = first_purchases.customer_id
    inner join months
        on
            {{ month_of("coalesce(customers.registered_date, months.order_month)") }}
            <= months.order_month
            and (
                first_purchases.first_purchase_month > months.order_month
                or first_purchases.first_purchase_month is null
            )
    where customers.is_registered
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
