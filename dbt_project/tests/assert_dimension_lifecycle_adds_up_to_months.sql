-- Added up over the values of a dimension, every count and the revenue are those of the month.

with summed as (

    select
        dimension,
        order_month,
        sum(new) as new,
        sum(active) as active,
        sum(reactivated) as reactivated,
        sum(inactive) as inactive,
        sum(newly_lapsed) as newly_lapsed,
        sum(buyers) as buyers,
        sum(customers) as customers,
        sum(prospects) as prospects,
        sum(orders) as orders,
        sum(revenue) as revenue
    from {{ ref('rpt_lifecycle_by_dimension') }}
    group by dimension, order_month

),

dimensions as (

    select dimension from summed
    group by dimension

),

months as (

    select
        dimensions.dimension,
        lifecycle.*,
        rates.orders,
        rates.revenue
    from {{ ref('rpt_lifecycle_by_month') }} as lifecycle
    inner join {{ ref('rpt_purchase_rates_by_month') }} as rates
        on lifecycle.order_month = rates.order_month
    cross join dimensions

)

select
    months.dimension,
    months.order_month
from months
left join summed
    on
        months.dimension = summed.dimension
        and months.order_month = summed.order_month
where
    months.new <> coalesce(summed.new, 0)
    or months.active <> coalesce(summed.active, 0)
    or months.reactivated <> coalesce(summed.reactivated, 0)
    or months.inactive <> coalesce(summed.inactive, 0)
    or months.newly_lapsed <> coalesce(summed.newly_lapsed, 0)
    or months.buyers <> coalesce(summed.buyers, 0)
    or months.customers <> coalesce(summed.customers, 0)
    or months.prospects <> coalesce(summed.prospects, 0)
    or months.orders <> coalesce(summed.orders, 0)
    or months.revenue <> coalesce(summed.revenue, 0)
