-- A record that landed twice is one event.

{{ config(materialized='view') }}

with events as (

    select * from {{ ref('stg_events') }}

)

select distinct
    event_id,
    customer_id,
    event_type,
    occurred_date,
    dwell_seconds
from events
