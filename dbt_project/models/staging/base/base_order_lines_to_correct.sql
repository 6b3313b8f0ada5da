-- The lines of the orders that corrections name, as they landed, with the number that their source
-- gives or that is derived for them. The number belongs to the line as it landed: a correction
-- names it and leaves it. Copies of a line share it and so stay copies of each other.

{{ config(materialized='table') }}

with corrections as (

    select * from {{ ref('base_corrections') }}
    where
        dataset = 'order_lines'
        and problem is null

),

named_orders as (

    select record_key as order_id from corrections
    union
    select line_order_id as order_id from corrections
    where line_order_id is not null

),

order_lines as (

    select * from {{ ref('base_order_lines') }}
    where order_id in (select named_orders.order_id from named_orders)

),

counted as (

    select
        *,
        {% if var('deduplicate_lines') -%}
            line_number as source_number,
        {%- else -%}
            {#- Where copies count as lines, those beyond the first have no number from the source,
                as in int_repeated_order_lines. #}
            case
                when row_number() over (
                    partition by
                        {{ order_line_columns() | join(',\n                        ') }}
                    order by file_id
                ) = 1 then line_number
            end as source_number,
        {%- endif %}
        max(line_number) over (partition by order_id) as highest_number
    from order_lines

),

unnumbered as (

    select * from counted
    where source_number is null

),

positioned as (

    select
        *,
        {{ line_position_by_content('dense_rank' if var('deduplicate_lines') else 'row_number') }}
            as line_position
    from unnumbered

),

numbered as (

    select
        *,
        cast(null as bigint) as line_position
    from counted
    where source_number is not null
    union all
    select * from positioned

)

select
    file_id,
    order_date,
    {%- for column in order_line_columns() %}
    {% if column == 'line_number' -%}
    coalesce(source_number, line_position + coalesce(highest_number, 0)) as line_number
    {%- else -%}
    {{ column }}
    {%- endif %}{{ ',' if not loop.last }}
    {%- endfor %}
from numbered
