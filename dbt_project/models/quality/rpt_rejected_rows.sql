with rejected_rows as (

    select * from {{ ref('stg_rejected_rows') }}

)

select
    dataset,
    coalesce(column_name, 'whole record') as column_name,
    reason,
    cast(count(*) as bigint) as rejected_count
from rejected_rows
group by dataset, coalesce(column_name, 'whole record'), reason
