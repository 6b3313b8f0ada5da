with period as (

    select * from {{ ref('int_reporting_period') }}

)

select as_of_date as snapshot_date
from period
