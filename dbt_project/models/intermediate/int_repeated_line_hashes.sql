-- Only lines whose hash occurs more than once can be duplicates, so that the full comparison of
-- columns (in int_repeated_order_lines) is done for those few and not for every line.

with order_lines as (

    select * from {{ ref('int_input_order_lines') }}

),

hashed as (

    select {{ order_line_hash() }} as line_hash
    from order_lines

),

repeated as (

    select
        line_hash,
        count(*) as line_count
    from hashed
    group by line_hash
    having count(*) > 1

)

select * from repeated
