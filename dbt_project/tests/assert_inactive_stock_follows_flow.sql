-- inactive(t) = inactive(t-1) + newly_lapsed(t) - reactivated(t)

with compared as (

    select
        order_month,
        inactive,
        lag(inactive, 1, 0) over (order by order_month) + newly_lapsed - reactivated
            as expected_inactive
    from {{ ref('rpt_lifecycle_by_month') }}

)

select * from compared
where inactive <> expected_inactive
