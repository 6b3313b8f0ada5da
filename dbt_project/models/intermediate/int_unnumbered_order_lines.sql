-- Lines whose source numbers none are numbered by content. For sources that number their lines the
-- table is empty and nothing is sorted.

with unrepeated as (

    select
        order_date,
        {{ order_line_columns() | join(',\n        ') }}
    from {{ ref('stg_order_lines') }}
    where
        line_number is null
        and order_date <= (
            select period.as_of_date from {{ ref('int_reporting_period') }} as period
        )
        and {{ order_line_hash() }} not in (
            select repeated.line_hash from {{ ref('int_repeated_line_hashes') }} as repeated
        )

),

repeated as (

    select * from {{ ref('int_repeated_order_lines') }}
    where line_number is null

),

unnumbered as (

    select * from unrepeated
    union all
    select * from repeated

)

select
    order_date,
    {%- for column in order_line_columns() %}
    {{ line_number_by_content() ~ ' as line_number' if column == 'line_number' else column }}
    {{- ',' if not loop.last }}
    {%- endfor %}
from unnumbered
