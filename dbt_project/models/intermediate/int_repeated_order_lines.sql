-- The lines that can be duplicates, compared in full. Either one of each is left, or all are kept
-- and copies beyond the first lose their number, which would not be unique.

with order_lines as (

    select * from {{ ref('stg_order_lines') }}
    where order_date <= (select period.as_of_date from {{ ref('int_reporting_period') }} as period)

),

suspects as (

    select * from order_lines
    where
        {{ order_line_hash() }} in (
            select repeated.line_hash from {{ ref('int_repeated_line_hashes') }} as repeated
        )

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
    case when copy_number = 1 then line_number end as line_number
    {%- else -%}
    {{ column }}
    {%- endif %}{{ ',' if not loop.last }}
    {%- endfor %}
from counted
{%- if var('deduplicate_lines') %}
where copy_number = 1
{%- endif %}
