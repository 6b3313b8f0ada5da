-- What of the new input, settings and code can have changed the figures of closed months, by the
-- first month it can be seen in (null: any).

with order_lines as (

    select * from {{ ref('stg_order_lines') }}

),

added_lines as (

    select
        added_files.path as source,
        order_lines.order_date,
        order_lines.quantity < 0 or order_lines.status <> 'completed' as is_return
    from changes.added_files as added_files
    inner join order_lines
        on added_files.file_id = order_lines.file_id
    where added_files.dataset = 'order_lines'

),

late_lines as (

    select
        case when is_return then 'late_return' else 'late_order' end as cause,
        {{ month_of('order_date') }} as cause_month,
        source
    from added_lines
    where order_date <= (select publication.closed_until from changes.publication as publication)
    group by 1, 2, 3

)

select
    cause,
    cause_month,
    source
from late_lines
union all
select
    cause,
    cause_month,
    source
from changes.other_causes
