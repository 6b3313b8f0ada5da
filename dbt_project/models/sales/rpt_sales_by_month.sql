{%- set basis_revenue = var('monetary_basis') ~ '_revenue' %}
{%- set grown = {
    'order': 'order_count',
    'buyer': 'buyer_count',
    'unit': 'unit_count',
    'gross_revenue': 'gross_revenue',
    'net_revenue': 'net_revenue',
} %}

with sales_by_line_kind as (

    select * from {{ ref('rpt_sales_by_line_kind') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

months as (

    select * from {{ ref('dim_months') }}

),

ordered as (

    select
        {{ month_of('order_date') }} as order_month,
        count(*) as order_count,
        count(customer_id) as known_customer_order_count,
        count(distinct customer_id) as buyer_count,
        min(order_date) as first_order_date
    from orders
    group by {{ month_of('order_date') }}

),

summed as (

    select
        order_month,
        sum(line_count) as line_count,
        sum(units) as unit_count,
        sum(case when is_known_customer then units else 0 end) as known_customer_unit_count,
        sum(gross_revenue) as gross_revenue,
        sum(returned_revenue) as returned_revenue,
        sum(discount_revenue) as discount_revenue,
        sum(net_revenue) as net_revenue,
        sum(case when is_known_customer then gross_revenue else 0 end)
            as known_customer_gross_revenue,
        sum(case when is_known_customer then net_revenue else 0 end)
            as known_customer_net_revenue
    from sales_by_line_kind
    group by order_month

),

filled as (

    select
        months.order_month,
        months.is_partial_month,
        coalesce(ordered.order_count, 0) as order_count,
        coalesce(ordered.known_customer_order_count, 0) as known_customer_order_count,
        coalesce(ordered.buyer_count, 0) as buyer_count,
        months.is_left_censored_month,
        ordered.first_order_date,
        coalesce(summed.line_count, 0) as line_count,
        coalesce(summed.unit_count, 0) as unit_count,
        coalesce(summed.known_customer_unit_count, 0) as known_customer_unit_count,
        coalesce(summed.gross_revenue, 0) as gross_revenue,
        coalesce(summed.returned_revenue, 0) as returned_revenue,
        coalesce(summed.discount_revenue, 0) as discount_revenue,
        coalesce(summed.net_revenue, 0) as net_revenue,
        coalesce(summed.known_customer_gross_revenue, 0) as known_customer_gross_revenue,
        coalesce(summed.known_customer_net_revenue, 0) as known_customer_net_revenue
    from months
    left join ordered
        on months.order_month = ordered.order_month
    left join summed
        on months.order_month = summed.order_month

),

-- Whole: the data neither ends inside the month nor begins after its first day.
compared as (

    select
        *,
        not is_partial_month
        and not (is_left_censored_month and coalesce(first_order_date > order_month, true))
            as is_whole_month,
        {%- for column in grown.values() %}
        lag({{ column }}) over (order by order_month) as last_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from filled

),

whole as (

    select
        *,
        coalesce(is_whole_month and lag(is_whole_month) over (order by order_month), false)
            as is_comparable
    from compared

)

select
    order_month,
    cast(order_count as bigint) as orders,
    cast(known_customer_order_count as bigint) as known_customer_orders,
    cast(buyer_count as bigint) as buyers,
    cast(line_count as bigint) as line_count,
    cast(unit_count as bigint) as units,
    cast(known_customer_unit_count as bigint) as known_customer_units,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('returned_revenue') }} as returned_revenue,
    {{ money('discount_revenue') }} as discount_revenue,
    {{ money('net_revenue') }} as net_revenue,
    {{ money('known_customer_gross_revenue') }} as known_customer_gross_revenue,
    {{ money('known_customer_net_revenue') }} as known_customer_net_revenue,
    {{ ratio('known_customer_' ~ basis_revenue, 'buyer_count') }} as revenue_per_buyer,
    {{ ratio('known_customer_order_count', 'buyer_count') }} as orders_per_buyer,
    {{ ratio('gross_revenue', 'order_count') }} as avg_gross_order_value,
    {{ ratio('net_revenue', 'order_count') }} as avg_net_order_value,
    {{ ratio('line_count', 'order_count') }} as lines_per_order,
    {{ ratio('unit_count', 'order_count') }} as units_per_order,
    {{ ratio('known_customer_unit_count', 'known_customer_order_count') }}
        as known_customer_units_per_order,
    {%- for name, column in grown.items() %}
    case
        when is_comparable
            then {{ ratio(column ~ ' - last_' ~ column, 'last_' ~ column) }}
    end as {{ name }}_growth_rate,
    {%- endfor %}
    is_partial_month
from whole
