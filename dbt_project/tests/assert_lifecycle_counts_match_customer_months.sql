-- The report is counted from months with a purchase; the filled-up rows must say the same. Months
-- before the first changed line stay as they were published.

with counted as (

    select
        order_month,
        count(*) filter (where state = 'new') as new,
        count(*) filter (where state = 'active') as active,
        count(*) filter (where state = 'reactivated') as reactivated,
        count(*) filter (where state = 'inactive') as inactive,
        count(*) filter (where state = 'prospect') as prospects
    from {{ ref('fct_customer_months') }}
    where {{ is_month_touched('order_month') }}
    group by order_month

),

reported as (

    select
        order_month,
        new,
        active,
        reactivated,
        inactive,
        prospects
    from {{ ref('rpt_lifecycle_by_month') }}
    where {{ is_month_touched('order_month') }}

)

select
    reported.order_month,
    counted.inactive as counted_inactive,
    reported.inactive as reported_inactive
from reported
left join counted
    on reported.order_month = counted.order_month
where
    reported.new <> coalesce(counted.new, 0)
    or reported.active <> coalesce(counted.active, 0)
    or reported.reactivated <> coalesce(counted.reactivated, 0)
    or reported.inactive <> coalesce(counted.inactive, 0)
    or reported.prospects <> coalesce(counted.prospects, 0)
