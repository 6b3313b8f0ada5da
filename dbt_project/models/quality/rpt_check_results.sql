-- The form of the test report. Its rows are written when the marts are published: how the tests of
-- a build have ended is known only after dbt has.

with nothing as (

    select 1 as one

)

select
    cast(null as varchar) as check_id,
    cast(null as varchar) as check_name,
    cast(null as varchar) as kind,
    cast(null as varchar) as table_name,
    cast(null as varchar) as column_name,
    cast(null as varchar) as sql,
    cast(null as varchar) as expected,
    cast(null as varchar) as actual,
    cast(null as varchar) as status,
    cast(null as varchar) as severity,
    cast(null as bigint) as failing_rows,
    cast(null as varchar) as examples
from nothing
where one = 0
