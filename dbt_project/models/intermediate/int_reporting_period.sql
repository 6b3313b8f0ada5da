with order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

dates as (

    select
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from order_lines

),

measured as (

    select
        first_order_date,
        {% if var('as_of_date') -%}
            cast('{{ var("as_of_date") }}' as date) as as_of_date
        {%- else -%}
            last_order_date as as_of_date
        {%- endif %}
    from dates

),

bounded as (

    select
        first_order_date,
        as_of_date,
        {{ month_of('as_of_date') }} as as_of_month,
        {{ month_of('first_order_date') }} as first_month,
        extract(day from {{ dbt.dateadd('day', 1, 'as_of_date') }}) <> 1
            as is_as_of_month_partial
    from measured
    where first_order_date <= as_of_date

)

select
    cast(first_order_date as date) as first_order_date,
    cast(as_of_date as date) as as_of_date,
    as_of_month,
    first_month,
    is_as_of_month_partial
from bounded
