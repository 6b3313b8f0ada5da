{{ config(materialized='view') }}

with purchase_months as (

    select * from {{ ref('fct_purchase_months') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

bought as (

    select
        customer_id,
        order_month,
        state,
        order_count,
        revenue
    from purchase_months
    where is_purchase_month

),

not_bought as (

    select
        purchase_months.customer_id,
        months.order_month
    from purchase_months
    inner join months
        on
            purchase_months.order_month < months.order_month
            and (
                purchase_months.next_purchase_month > months.order_month
                or purchase_months.next_purchase_month is null
            )
    where purchase_months.is_purchase_month

),

inactive as (

    select
        not_bought.customer_id,
        not_bought.order_month,
        'inactive' as state,
        cast(0 as bigint) as order_count,
        {{ money('coalesce(purchase_months.revenue, 0)') }} as revenue
    from not_bought
    left join purchase_months
        on
            not_bought.customer_id = purchase_months.customer_id
            and not_bought.order_month = purchase_months.order_month

),

first_purchases as (

    select
        customer_id,
        order_month as first_purchase_month
    from bought
    where state = 'new'

),

-- Known from the customers dataset and not yet a buyer; without a registration date, known from
-- the first month in the data.
prospects as (

    select
        customers.customer_id,
        months.order_month,
        'prospect' as state,
        cast(0 as bigint) as order_count,
        {{ money('coalesce(purchase_months.revenue, 0)') }} as revenue
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
    left join purchase_months
        on
            customers.customer_id = purchase_months.customer_id
            and months.order_month = purchase_months.order_month
    where customers.is_registered

)

select * from bought
union all
select * from inactive
union all
select * from prospects
