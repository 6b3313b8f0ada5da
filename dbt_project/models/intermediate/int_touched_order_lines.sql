-- What an incremental build computes from: the lines of touched orders, read once. Empty in a full
-- build, which reads them all.

with order_lines as (

    select * from {{ ref('stg_order_lines') }}

)

select * from order_lines
where {{ is_touched('order_id') if is_incremental_build() else 'false' }}
