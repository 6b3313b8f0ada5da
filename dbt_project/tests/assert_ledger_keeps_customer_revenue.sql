-- The entries of the ledger add up to the revenue of its customers; a difference is an error of the
-- models, to be reported.

with customers as (

    select coalesce(sum({{ var('monetary_basis') }}_revenue), 0) as revenue
    from {{ ref('dim_customers') }}
    where {{ is_touched('customer_id') }}

),

ledger as (

    select coalesce(sum(amount), 0) as revenue
    from {{ ref('int_order_ledger') }}

)

select
    customers.revenue as customer_revenue,
    ledger.revenue as ledger_revenue
from customers
cross join ledger
where customers.revenue <> ledger.revenue
