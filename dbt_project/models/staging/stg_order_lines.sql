-- Lines of orders that no correction names pass as they are, and files that hold none of the named
-- orders are told by their number alone: without corrections a scan costs what it costs on raw.

with lines_of_other_files as (

    select * from {{ ref('base_order_lines') }} as order_lines
    where
        not exists (
            select 1
            from {{ ref('base_order_lines_to_correct') }} as to_correct
            where to_correct.file_id = order_lines.file_id
        )

),

lines_of_files_with_corrections as (

    select * from {{ ref('base_order_lines') }}
    where
        file_id in (
            select to_correct.file_id
            from {{ ref('base_order_lines_to_correct') }} as to_correct
        )

),

lines_of_other_orders as (

    select * from lines_of_files_with_corrections
    where
        order_id not in (
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
