-- Lines without a number are numbered by content, after the numbers that their order has. For
-- sources that number every line the table is empty and nothing is sorted.

with unrepeated as (

    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ ref('int_input_order_lines') }}
    where
        line_number is null
        and {{ order_line_hash() }} not in (
            select repeated.line_hash from {{ ref('int_repeated_line_hashes') }} as repeated
        )

),

repeated as (

    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ ref('int_repeated_order_lines') }}
    where
        line_number is null
        and not is_set_aside

),

unnumbered as (

    select * from unrepeated
    union all
    select * from repeated

),

highest_numbers as (

    select
        order_id,
        max(line_number) as line_number
    from {{ ref('int_input_order_lines') }}
    where
        line_number is not null
        and order_id in (select unnumbered.order_id from unnumbered)
    group by order_id

),

positioned as (

    select
        *,
        {{ line_position_by_content() }} as line_position
    from unnumbered

)

select
    positioned.order_date,
    {%- for column in order_line_columns() %}
    {% if column == 'line_number' -%}
    positioned.line_position + coalesce(highest_numbers.line_number, 0) as line_number
    {%- else -%}
    positioned.{{ column }}
    {%- endif %}{{ ',' if not loop.last }}
    {%- endfor %}
from positioned
left join highest_numbers
    on positioned.order_id = highest_numbers.order_id
