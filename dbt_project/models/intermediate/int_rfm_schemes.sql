-- The schemes of the seed with where their cuts come from: fixed bands from the seed, the cuts of
-- the others from each snapshot's own customers or from those at the reference snapshot.

{%- set kept = var('rfm_cuts') %}

with schemes as (

    select * from {{ ref('rfm_schemes') }}

),

sources as (

    select 'fixed' as cut_source
    {%- if kept != 'frozen' %}
    union all
    select 'refitted' as cut_source
    {%- endif %}
    {%- if kept != 'refitted' %}
    union all
    select 'frozen' as cut_source
    {%- endif %}

)

select
    {% if kept == 'both' -%}
        case
            when sources.cut_source = 'frozen' then schemes.scheme || '_frozen'
            else schemes.scheme
        end as scheme,
    {%- else -%}
        schemes.scheme,
    {%- endif %}
    schemes.scheme as base_scheme,
    schemes.method,
    sources.cut_source,
    schemes.r_weight,
    schemes.f_weight,
    schemes.m_weight
from schemes
inner join sources
    on (schemes.method = 'fixed') = (sources.cut_source = 'fixed')
