-- Order lines with their corrections. Files that hold no order named by a correction are told by
-- their number, which costs a scan next to nothing; without corrections the other parts are empty.

with lines_of_other_files as (

    select * from {{ ref('base_order_lines') }}
    where
        file_id not in (
            select to_correct.file_id
            from {{ ref('base_order_lines_to_correct') }} as to_correct
        )

),

lines_of_other_orders as (

    select * from {{ ref('base_order_lines') }}
    where
        file_id in (
            select to_correct.file_id
            from {{ ref('base_order_lines_to_correct') }} as to_correct
        )
        and order_id not in (
            select to_correct.order_id
            from {{ ref('base_order_lines_to_correct') }} as to_correct
        )

),

corrected_lines as (

    select * from {{ ref('base_order_lines_corrected') }}

),

order_lines as (
    {% for lines in ['lines_of_other_files', 'lines_of_other_orders', 'corrected_lines'] %}
    select
        file_id,
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ lines }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from order_lines
