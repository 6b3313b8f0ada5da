-- The records that corrections name: whether there are any under a key, and how many.

{{ config(materialized='table') }}

with corrections as (

    select * from {{ ref('base_corrections') }}
    where problem is null

),

order_lines as (

    select * from {{ ref('base_order_lines_to_correct') }}

),
{%- for dataset, key in datasets_with_one_key() %}

{{ dataset }} as (

    select
        {{ normalise_id(key) }} as corrected_key,
        count(*) as record_count
    from {{ source('raw', dataset) }}
    where
        {{ normalise_id(key) }} in (
            select corrections.record_key from corrections
            where corrections.dataset = '{{ dataset }}'
        )
    group by {{ normalise_id(key) }}

),
{%- endfor %}

records as (

    select
        'order_lines' as dataset,
        order_id || '/' || cast(line_number as varchar) as corrected_key,
        order_id,
        line_number,
        count(*) as record_count,
        max(cast(abs(quantity) as decimal(18, 0))) as largest_quantity,
        max(unit_price) as largest_price
    from order_lines
    group by order_id, line_number
    {%- for dataset, key in datasets_with_one_key() %}
    union all
    select
        '{{ dataset }}' as dataset,
        corrected_key,
        cast(null as varchar) as order_id,
        cast(null as bigint) as line_number,
        record_count,
        cast(null as decimal(18, 0)) as largest_quantity,
        cast(null as decimal(18, 4)) as largest_price
    from {{ dataset }}
    {%- endfor %}

)

select * from records
