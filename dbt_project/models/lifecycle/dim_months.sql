with period as (

    select * from {{ ref('int_reporting_period') }}

),

months as (

    {{ month_spine('period', 'first_order_date', 'as_of_date') }}

),

flagged as (

    select
        months.order_month,
        months.order_month = period.as_of_month and period.is_as_of_month_partial
            as is_partial_month,
        months.order_month = period.first_month as is_left_censored_month
    from months
    cross join period

)

select * from flagged
