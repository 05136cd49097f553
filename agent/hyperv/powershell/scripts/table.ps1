# Which modules the worker loads, and which function answers which request. What is not listed here cannot be asked for.

. (Join-Path -Path $PSScriptRoot -ChildPath 'handlers/host.ps1')

$modules = 'Hyper-V', 'Storage', 'CimCmdlets'

$handlers = @{
    'read-host' = 'Read-HostFacts'
}
