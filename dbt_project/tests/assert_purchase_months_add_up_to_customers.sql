-- Gross and net revenue of a customer's months come from the ledger and the reductions; those of
-- the customer come from the orders and what was returned without one. They say the same.

with purchase_months as (

    select
        customer_id,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('fct_purchase_months') }}
    where {{ is_touched('customer_id') }}
    group by customer_id

)

select
    customers.customer_id,
    customers.gross_revenue,
    purchase_months.gross_revenue as month_gross_revenue,
    customers.net_revenue,
    purchase_months.net_revenue as month_net_revenue
from {{ ref('dim_customers') }} as customers
left join purchase_months
    on customers.customer_id = purchase_months.customer_id
where
    {{ is_touched('customer_id', 'customers.customer_id') }}
    and (
        customers.gross_revenue <> coalesce(purchase_months.gross_revenue, 0)
        or customers.net_revenue <> coalesce(purchase_months.net_revenue, 0)
    )
