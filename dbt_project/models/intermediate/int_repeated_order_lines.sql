-- The lines that can be duplicates, compared in full. Copies beyond the first are set aside, unless
-- duplicates are kept; they bear no number, which would not be unique.

with order_lines as (

    select * from {{ ref('int_input_order_lines') }}

),

-- Coalesced, the condition is looked up line by line; a plain "in" may be planned as a join that
-- holds all lines in memory.
suspects as (

    select * from order_lines
    where
        coalesce({{ order_line_hash() }} in (
            select repeated.line_hash from {{ ref('int_repeated_line_hashes') }} as repeated
        ), false)

),

counted as (

    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }},
        row_number() over (
            partition by
                {{ order_line_columns() | join(',\n                ') }}
            order by file_id
        ) as copy_number
    from suspects

)

select
    order_date,
    {%- for column in order_line_columns() %}
    {% if column == 'line_number' -%}
    case when copy_number = 1 then line_number end as line_number,
    {%- else -%}
    {{ column }},
    {%- endif %}
    {%- endfor %}
    {% if var('deduplicate_lines') -%}
        copy_number > 1 as is_set_aside
    {%- else -%}
        false as is_set_aside
    {%- endif %}
from counted
