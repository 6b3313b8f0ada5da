with undone as (

    select
        cancelled_order_id,
        cancelled_line_number,
        sum(quantity) as undone_quantity
    from {{ ref('fct_cancellations') }}
    where
        cancelled_order_id is not null
        and {{ is_touched('order_id', 'cancelled_order_id') }}
    group by cancelled_order_id, cancelled_line_number

)

select undone.*
from undone
left join {{ ref('fct_order_lines') }} as order_lines
    on
        undone.cancelled_order_id = order_lines.order_id
        and undone.cancelled_line_number = order_lines.line_number
where
    order_lines.order_id is null
    or order_lines.line_type <> 'sale'
    or undone.undone_quantity > order_lines.quantity
