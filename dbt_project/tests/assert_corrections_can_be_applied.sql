-- A correction that cannot be applied changes nothing; its author is told why.
{{ config(severity='warn') }}

select
    correction_id,
    problem
from {{ ref('rpt_corrections') }}
where status = 'rejected'
