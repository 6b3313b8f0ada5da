-- The rows of core.fct_orders: in a full build all of them, in an incremental one the touched
-- orders. A view, because it streams.

{{ config(materialized='view') }}

with order_lines as (

    select
        *,
        {{ is_value_kind('line_kind') }} as is_value_line
    from {{ ref('int_order_lines') }}
    where line_type = 'sale'

),

cancellations as (

    select
        *,
        {{ is_value_kind('line_kind') }} as is_value_line
    from {{ ref('fct_cancellations') }}
    where
        cancelled_order_id is not null
        and {{ is_touched('order_id', 'cancelled_order_id') }}

),

booked as (

    select
        order_id,
        min(customer_id) as customer_id,
        min(customer_id) <> max(customer_id) as has_several_customers,
        min(ordered_at) as ordered_at,
        min(order_date) as order_date,
        max(order_date) as last_line_date,
        min(country) as country,
        min(channel) as channel,
        min(platform) as platform,
        count(*) as line_count,
        sum(quantity) as unit_count,
        sum(paid_amount) as paid_amount,
        sum(gross_revenue) as gross_revenue,
        sum(discount_revenue) as discount_revenue,
        sum(case when is_value_line then gross_revenue else 0 end) as value_gross_revenue,
        sum(case when is_value_line then discount_revenue else 0 end) as value_discount_revenue
    from order_lines
    group by order_id

),

-- The last condition always holds; it tells DuckDB that orders with a return are few.
returned as (

    select
        cancelled_order_id as order_id,
        sum(quantity) as unit_count,
        sum(revenue) as returned_revenue,
        sum(case when is_value_line then revenue else 0 end) as value_returned_revenue
    from cancellations
    group by cancelled_order_id
    having sum(revenue) is not null

),

reduced as (

    select
        booked.*,
        coalesce(returned.unit_count, 0) as cancelled_unit_count,
        coalesce(returned.returned_revenue, 0) as returned_revenue,
        coalesce(returned.value_returned_revenue, 0) as value_returned_revenue
    from booked
    left join returned
        on booked.order_id = returned.order_id

)

select
    order_id,
    customer_id,
    coalesce(has_several_customers, false) as has_several_customers,
    ordered_at,
    order_date,
    last_line_date,
    country,
    channel,
    platform,
    cast(line_count as bigint) as line_count,
    cast(unit_count as bigint) as unit_count,
    cast(cancelled_unit_count as bigint) as cancelled_unit_count,
    {{ money('gross_revenue') }} as gross_revenue,
    {{ money('returned_revenue') }} as returned_revenue,
    {{ money('discount_revenue') }} as discount_revenue,
    {{ money('gross_revenue - returned_revenue - discount_revenue') }} as net_revenue,
    {{ money('value_gross_revenue') }} as value_gross_revenue,
    {{ money('value_returned_revenue') }} as value_returned_revenue,
    {{ money('value_discount_revenue') }} as value_discount_revenue,
    {{ money('value_gross_revenue - value_returned_revenue - value_discount_revenue') }}
        as value_net_revenue,
    {{ money('paid_amount') }} as paid_amount,
    cancelled_unit_count = unit_count as is_fully_cancelled,
    {% if var('monetary_basis') == 'gross' -%}
        value_gross_revenue > 0 as is_valid_order
    {%- else -%}
        value_gross_revenue - value_returned_revenue - value_discount_revenue > 0
            as is_valid_order
    {%- endif %}
from reduced
