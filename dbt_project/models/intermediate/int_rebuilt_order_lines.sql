-- What an incremental build puts into core.fct_order_lines, for models that read no more of it.
-- Empty in a full build.

with order_lines as (

    select * from {{ ref('int_order_line_values') }}

)

select * from order_lines
where {{ 'true' if is_incremental_build() else 'false' }}
