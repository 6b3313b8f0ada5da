-- Gross and net revenue of customers and months come from orders, discounts and returns; the sales
-- report comes from the lines. Month by month they say the same of known customers and of the line
-- kinds that count as a purchase.

with purchase_months as (

    select
        order_month,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('fct_purchase_months') }}
    group by order_month

),

sales as (

    select
        order_month,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue
    from {{ ref('rpt_sales_by_line_kind') }}
    where
        is_known_customer
        and {{ is_value_kind('line_kind') }}
    group by order_month

)

select
    coalesce(purchase_months.order_month, sales.order_month) as order_month,
    purchase_months.gross_revenue,
    sales.gross_revenue as sales_gross_revenue,
    purchase_months.net_revenue,
    sales.net_revenue as sales_net_revenue
from purchase_months
full outer join sales
    on purchase_months.order_month = sales.order_month
where
    coalesce(purchase_months.gross_revenue, 0) <> coalesce(sales.gross_revenue, 0)
    or coalesce(purchase_months.net_revenue, 0) <> coalesce(sales.net_revenue, 0)
