-- The cohorts together hold the gross and net revenue of every customer who ever bought, and the
-- last cumulative figure of each is its sum.

with first_purchases as (

    select
        customer_id,
        order_month as cohort_month
    from {{ ref('fct_purchase_months') }}
    where state = 'new'

),

expected as (

    select
        first_purchases.cohort_month,
        sum(purchase_months.gross_revenue) as gross_revenue,
        sum(purchase_months.net_revenue) as net_revenue
    from {{ ref('fct_purchase_months') }} as purchase_months
    inner join first_purchases
        on purchase_months.customer_id = first_purchases.customer_id
    group by first_purchases.cohort_month

),

cohorts as (

    select
        cohort_month,
        sum(gross_revenue) as gross_revenue,
        sum(net_revenue) as net_revenue,
        max_by(cumulative_gross_revenue, age_months) as last_gross_revenue,
        max_by(cumulative_net_revenue, age_months) as last_net_revenue
    from {{ ref('rpt_cohort_retention') }}
    group by cohort_month

)

select
    expected.cohort_month,
    expected.gross_revenue,
    expected.net_revenue
from expected
left join cohorts
    on expected.cohort_month = cohorts.cohort_month
where
    expected.gross_revenue is distinct from cohorts.gross_revenue
    or expected.net_revenue is distinct from cohorts.net_revenue
    or expected.gross_revenue is distinct from cohorts.last_gross_revenue
    or expected.net_revenue is distinct from cohorts.last_net_revenue
