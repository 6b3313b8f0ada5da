select * from {{ ref('rpt_reconciliation') }}
where difference <> 0
