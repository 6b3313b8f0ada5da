-- Sizes and revenue of the clusters add up to those of all customers, and their shares to 1.

with reported as (

    select
        coalesce(sum(customers), 0) as customers,
        coalesce(sum(revenue), 0) as revenue,
        sum(customer_share) as customer_share,
        sum(revenue_share) as revenue_share
    from {{ ref('rpt_cluster_profiles') }}

),

expected as (

    select
        count(*) as customers,
        coalesce(sum(monetary), 0) as revenue
    from {{ ref('int_cluster_features') }}

)

select
    reported.customers,
    expected.customers as expected_customers,
    reported.revenue,
    expected.revenue as expected_revenue,
    reported.customer_share,
    reported.revenue_share
from reported
cross join expected
where
    reported.customers <> expected.customers
    or reported.revenue <> expected.revenue
    or abs(coalesce(reported.customer_share, 1) - 1) > 1e-9
    or abs(coalesce(reported.revenue_share, 1) - 1) > 1e-9
